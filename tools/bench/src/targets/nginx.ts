import { createTempFolder, freePort, spawnService, waitFor } from '@mcp-bridge/testkit';
import { ensureProgram } from '../ensure-program.js';
import { createResources } from '../resources.js';
import { accepts } from './peers.js';
import type { Target } from './target.js';

/** What a table calls it. */
export const NGINX = 'nginx, bare proxy';

/** Finds nginx, or installs it. */
export function ensureNginx(progress: (line: string) => void): void {
  ensureProgram({ command: 'nginx', debianPackage: 'nginx-light' }, progress);
}

/**
 * nginx before an HTTP server: one worker with kept connections, no log, no buffering of requests. It knows nothing
 * of MCP, so it is the limit of what a proxy in front of this server can do.
 */
export async function startNginx(upstreamUrl: string): Promise<Target> {
  const resources = createResources();
  try {
    const folder = resources.add(await createTempFolder());
    const port = await freePort();
    const { host } = new URL(upstreamUrl);
    const file = await folder.write(
      'nginx.conf',
      `daemon off;
master_process off;
pid ${folder.path}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder.path}/body;
  proxy_temp_path ${folder.path}/proxy;
  fastcgi_temp_path ${folder.path}/fastcgi;
  uwsgi_temp_path ${folder.path}/uwsgi;
  scgi_temp_path ${folder.path}/scgi;
  keepalive_requests 1000000000;
  upstream mcp { server ${host}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://mcp;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`,
    );
    const service = await spawnService(
      '/bin/sh',
      ['-c', 'echo started; exec "$@"', 'sh', ...['nginx', '-p', folder.path, '-e', 'stderr', '-c', file]],
      { readyPattern: /started/ },
    );
    resources.add(service);
    await waitFor(() => accepts(port), { timeoutMs: 10_000, what: 'nginx to listen' });
    return {
      url: `http://127.0.0.1:${port}/mcp`,
      echoTool: 'echo',
      processes: [{ name: 'nginx', pid: service.pid }],
      [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
    };
  } catch (error) {
    await resources[Symbol.asyncDispose]();
    throw error;
  }
}
