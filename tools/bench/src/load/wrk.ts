import { createTempFolder } from '@mcp-bridge/testkit';
import { ensureProgram } from '../ensure-program.js';
import { kernelUnits } from '../measure/process-stat.js';
import type { Load, LoadSample } from './load.js';
import { outputOf, proveAnswer } from './run-program.js';
import { parseWrkReport, wrkScript, type WrkRequest } from './wrk-script.js';

export interface WrkLoadOptions {
  readonly url: string;
  /** Default 64, on one thread. */
  readonly connections?: number;
  readonly request: WrkRequest;
}

/** Finds wrk, or installs it. */
export function ensureWrk(progress: (line: string) => void): void {
  ensureProgram({ command: 'wrk', debianPackage: 'wrk' }, progress);
}

/**
 * Prepares a wrk load; each run is a process of its own, with new connections.
 *
 * @throws {Error} when a first request sent without wrk gets no result: wrk looks at the status only
 */
export async function startWrkLoad({ url, connections = 64, request }: WrkLoadOptions): Promise<Load> {
  await proveAnswer(url, request);
  const folder = await createTempFolder();
  const script = await folder.write('load.lua', wrkScript(request));
  return {
    // Each run opens its own connections.
    prepare: () => Promise.resolve(),
    async run(durationMs, { ratePerSecond } = {}) {
      if (ratePerSecond !== undefined) throw new Error('wrk has no constant rate: use the own generator');
      const seconds = Math.max(1, Math.round(durationMs / 1000));
      const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
      return sampleOf(await outputOf('wrk', args));
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function sampleOf(output: string): LoadSample {
  const { requests, errors, durationMs, latency, cpuTicks } = parseWrkReport(output);
  return {
    requests,
    requestsPerSecond: (requests * 1000) / durationMs,
    errors,
    durationMs,
    latency,
    generatorCpuMs: (cpuTicks * 1000) / kernelUnits().ticksPerSecond,
  };
}
