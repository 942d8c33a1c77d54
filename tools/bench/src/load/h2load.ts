import { readFile, rm } from 'node:fs/promises';
import { createTempFolder } from '@mcp-bridge/testkit';
import { ensureProgram } from '../ensure-program.js';
import type { Load, LoadSample } from './load.js';
import { parseH2loadLog, parseShellTimes } from './h2load-report.js';
import { outputOf, proveAnswer } from './run-program.js';
import type { WrkLoadOptions } from './wrk.js';

/** Finds h2load, or installs it. */
export function ensureH2load(progress: (line: string) => void): void {
  ensureProgram({ command: 'h2load', debianPackage: 'nghttp2-client' }, progress);
}

/**
 * Prepares a load of h2load over HTTP/1.1, the only HTTP that the gateway speaks; each run is a process of its own,
 * with new connections. It sends one request only, so there are no sessions.
 *
 * @throws {Error} when a first request sent without h2load gets no result: h2load looks at the status only
 */
export async function startH2load({ url, connections = 64, request }: WrkLoadOptions): Promise<Load> {
  await proveAnswer(url, request);
  const folder = await createTempFolder();
  const body = await folder.write('body.json', request.body);
  const log = `${folder.path}/requests.log`;
  const headers = Object.entries(request.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  return {
    // Each run opens its own connections.
    prepare: () => Promise.resolve(),
    async run(durationMs, { ratePerSecond } = {}) {
      if (ratePerSecond !== undefined)
        throw new Error('h2load sends its rate in bursts of all connections: use the own generator');
      const options = ['--h1', '-t1', `-c${connections}`, `-D${durationMs}ms`, `--log-file=${log}`];
      // The shell tells the CPU time of its children when they have ended.
      const command = ['h2load', ...options, '-d', body, ...headers, url];
      // It adds to a log that is there.
      await rm(log, { force: true });
      const output = await outputOf('/bin/sh', ['-c', '"$@"; times', 'sh', ...command]);
      return sampleOf(await readLog(log, output), output, durationMs);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function readLog(log: string, output: string): Promise<string> {
  try {
    return await readFile(log, 'utf8');
  } catch (error) {
    throw new Error(`h2load did not report:\n${output}`, { cause: error });
  }
}

function sampleOf(log: string, output: string, durationMs: number): LoadSample {
  const { requests, errors, latency, histogram } = parseH2loadLog(log);
  return {
    requests,
    requestsPerSecond: (requests * 1000) / durationMs,
    errors,
    durationMs,
    latency,
    histogram,
    generatorCpuMs: parseShellTimes(output),
  };
}
