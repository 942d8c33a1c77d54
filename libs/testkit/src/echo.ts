import type { CommandLine } from './fixture.js';
import type { EraMode } from './fixture/options.js';
import { packageFile } from './package-file.js';
import { spawnService, type SpawnedService } from './process/spawn-service.js';

/**
 * The command line of the smallest MCP server on stdio, for load tests: plain JavaScript without an SDK, one
 * tool `echo` that returns its `text`, one write for all messages of a read.
 */
export function echoServerCommand({ era = 'both' }: { readonly era?: EraMode } = {}): CommandLine {
  return { command: process.execPath, args: [packageFile('echo/stdio-server.mjs'), '--era', era] };
}

/** An echo server over HTTP in a process of its own. */
export interface EchoHttp extends AsyncDisposable {
  readonly url: string;
  readonly service: SpawnedService;
}

/** Starts the same server over Streamable HTTP (no sessions, JSON replies) on a free loopback port. */
export async function startEchoHttp({ era = 'both' }: { readonly era?: EraMode } = {}): Promise<EchoHttp> {
  const service = await spawnService(
    process.execPath,
    [packageFile('echo/http-server.mjs'), '--era', era, '--port', '0'],
    { readyPattern: /"url":"([^"]+)"/ },
  );
  return { url: service.ready[1] ?? '', service, [Symbol.asyncDispose]: () => service.kill().then(() => {}) };
}
