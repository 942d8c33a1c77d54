import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRouterApi, startLinkServer, type LinkServer } from '@mcp-bridge/link';
import { createMetrics } from '@mcp-bridge/metrics';
import { createRouting, type Routing } from '@mcp-bridge/routing';
import { configSchema, createLogger } from '@mcp-bridge/service';
import { echoServerCommand } from '@mcp-bridge/testkit';

const folder = fileURLToPath(new URL('..', import.meta.url));
const TOKEN = 'the-link-token-of-the-readme';
let routing: Routing;
let server: LinkServer;
beforeAll(async () => {
  const config = configSchema.parse({ servers: { echo: echoServerCommand() } });
  const log = createLogger({ name: 'router', level: 'silent' });
  routing = createRouting({ config, log, metrics: createMetrics() });
  server = await startLinkServer({
    host: '127.0.0.1',
    port: 0,
    handler: routing.handler,
    credential: { token: TOKEN },
    extend: createRouterApi(routing).addTo,
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await routing.close();
});

test('the README example of the router works as printed', async () => {
  const [, code = ''] = /```mjs\n(.*?)```/s.exec(readFileSync(`${folder}README.md`, 'utf8')) ?? [];
  const ours = code.replace('127.0.0.1:7400', `127.0.0.1:${server.port}`);
  expect(ours).not.toBe(code);
  const flags = ['--conditions=@mcp-bridge/source', '--import', 'tsx', '--input-type=module', '-e', ours];
  const options = { cwd: folder, env: { ...process.env, LINK_TOKEN: TOKEN } };
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, flags, options, (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
  });
  expect(stdout).toContain('hello from a service');
});
