import { fileURLToPath } from 'node:url';
import { spawnService, type SpawnedService } from '@mcp-bridge/testkit';
import { sourceFlags } from '../source-flags.js';

/** The raw servers of this folder. */
export type LimitServer =
  | 'http-fixed'
  | 'http-json'
  | 'http-paced'
  | 'http-timed'
  | 'bare-tools'
  | 'slow-weather'
  | 'result-server'
  | 'null-router'
  | 'websocket-echo'
  | 'tcp-echo'
  | 'grpc-echo';

/** A raw server in a process of its own. */
export interface RunningLimit extends AsyncDisposable {
  readonly port: number;
  /** For the HTTP servers, which answer on every path. */
  readonly url: string;
  readonly service: SpawnedService;
}

/** Starts a raw server on a free loopback port. */
export async function startLimit(
  server: LimitServer,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningLimit> {
  const file = fileURLToPath(new URL(`${server}.ts`, import.meta.url));
  const service = await spawnService(process.execPath, [...sourceFlags, file, ...args], {
    readyPattern: /"port":([1-9]\d*)/,
    env,
  });
  const port = Number(service.ready[1]);
  return {
    port,
    url: `http://127.0.0.1:${port}/mcp`,
    service,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}
