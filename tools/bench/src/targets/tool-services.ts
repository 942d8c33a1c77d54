import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { postgresPrograms, startPostgres } from '@mcp-bridge/testkit';
import { ensureProgram } from '../ensure-program.js';
import { startLimit } from '../limits/start-limit.js';
import type { MeteredProcess } from '../measure/process-meter.js';
import { createResources } from '../resources.js';

const DATA_SET = fileURLToPath(new URL('../native-tools/data-set.sql', import.meta.url));

/** The native tools that the benchmarks measure. */
export type ReferenceTool = 'get-user' | 'generate-report' | 'fetch-weather' | 'process-batch';

/** The file of a reference tool. */
export function referenceTool(name: ReferenceTool): string {
  return fileURLToPath(new URL(`../native-tools/${name}.mjs`, import.meta.url));
}

/** What the reference tools ask: a database with their data set, and a slow service. */
export interface ToolServices extends AsyncDisposable {
  /** For whoever runs the tools. */
  readonly env: Readonly<Record<string, string>>;
  /** Shown, and no cost of who asks them. */
  readonly database: MeteredProcess;
  readonly weather: MeteredProcess;
}

/** Finds PostgreSQL, or installs it. */
export function ensurePostgres(progress: (line: string) => void): void {
  const program = { command: 'PostgreSQL', debianPackage: 'postgresql' };
  ensureProgram({ ...program, isInstalled: () => postgresPrograms() !== undefined }, progress);
}

/**
 * Starts what the reference tools ask, with the data set loaded.
 *
 * @param weatherMs - how long the weather service takes for an answer
 * @throws {Error} with psql's output, when the data set cannot be loaded
 */
export async function startToolServices(weatherMs: number): Promise<ToolServices> {
  const resources = createResources();
  try {
    const postgres = resources.add(await startPostgres());
    const psql = `${postgresPrograms()}/psql`;
    const loaded = spawnSync(psql, ['-qv', 'ON_ERROR_STOP=1', '-f', DATA_SET, postgres.url], {
      encoding: 'utf8',
    });
    if (loaded.status !== 0)
      throw new Error(`${psql} could not load ${DATA_SET}: ${loaded.error?.message ?? loaded.stderr}`);
    const weather = resources.add(await startLimit('slow-weather', [String(weatherMs)]));
    return {
      env: { BENCH_DATABASE_URL: postgres.url, BENCH_WEATHER_URL: new URL(weather.url).origin },
      database: {
        name: 'PostgreSQL',
        pid: postgres.pid,
        counted: false,
        childrenName: 'its processes, one for each connection',
      },
      weather: { name: 'weather service', pid: weather.service.pid, counted: false },
      [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
    };
  } catch (error) {
    await resources[Symbol.asyncDispose]();
    throw error;
  }
}
