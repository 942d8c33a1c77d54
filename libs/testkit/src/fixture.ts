import { fixtureBundle } from './fixture-bundle.js';
import type { EraMode } from './fixture/options.js';
import { serveHttp, type HttpFixture } from './fixture/serve/serve-http.js';
import { serveSse, type SseFixture } from './fixture/serve/serve-sse.js';
import { createFixtureWorld } from './fixture/world.js';
import { spawnService, type SpawnedService } from './process/spawn-service.js';

/** A command line to spawn, without a shell. */
export interface CommandLine {
  readonly command: string;
  readonly args: string[];
}

export interface FixtureChoice {
  /** Default `both`. */
  readonly era?: EraMode;
  /** Most entries in one page of a list; default: all in one. */
  readonly pageSize?: number;
}

/** The command line of the fixture on stdio; works from any folder. */
export function fixtureCommand(choice: FixtureChoice = {}): CommandLine {
  return { command: process.execPath, args: [fixtureBundle(), '--stdio', ...flags(choice)] };
}

/** Starts the fixture over Streamable HTTP inside this process, on a free loopback port. */
export function startFixtureHttp(choice: FixtureChoice = {}): Promise<HttpFixture> {
  const world = createFixtureWorld({ mayMisbehave: false });
  return serveHttp(world, { era: choice.era ?? 'both', port: 0, pageSize: choice.pageSize ?? 0 });
}

/** Starts the fixture inside this process on a free loopback port, over HTTP+SSE: a server of 2024-11-05 only. */
export function startFixtureSse(choice: Pick<FixtureChoice, 'pageSize'> = {}): Promise<SseFixture> {
  return serveSse(createFixtureWorld({ mayMisbehave: false }), { pageSize: choice.pageSize ?? 0 });
}

/** A fixture over HTTP in a process of its own, which a test may stop, freeze or kill. */
export interface SpawnedFixture extends AsyncDisposable {
  readonly url: string;
  readonly service: SpawnedService;
}

/** Starts the fixture over Streamable HTTP as a process of its own, on the given or a free loopback port. */
export async function spawnFixtureHttp(
  choice: FixtureChoice & { readonly port?: number } = {},
): Promise<SpawnedFixture> {
  const port = String(choice.port ?? 0);
  const service = await spawnService(
    process.execPath,
    [fixtureBundle(), '--http', '--port', port, ...flags(choice)],
    { readyPattern: /"url":"([^"]+)"/ },
  );
  return { url: service.ready[1] ?? '', service, [Symbol.asyncDispose]: () => service.kill().then(() => {}) };
}

function flags({ era = 'both', pageSize = 0 }: FixtureChoice): string[] {
  return ['--era', era, '--page-size', String(pageSize)];
}
