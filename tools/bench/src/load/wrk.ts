import { spawn } from 'node:child_process';
import { createTempFolder, sendRaw } from '@mcp-bridge/testkit';
import { ensureProgram } from '../ensure-program.js';
import { kernelUnits } from '../measure/process-stat.js';
import type { Load, LoadSample } from './load.js';
import { parseWrkReport, wrkScript, type WrkRequest } from './wrk-script.js';

export interface WrkLoadOptions {
  readonly url: string;
  /** Default 64, on one thread. */
  readonly connections?: number;
  readonly request: WrkRequest;
}

/** Finds wrk, or installs it. */
export function ensureWrk(progress: (line: string) => void): void {
  ensureProgram({ command: 'wrk', versionFlag: '-v', debianPackage: 'wrk' }, progress);
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

async function proveAnswer(url: string, { headers, body, sessions = [] }: WrkRequest): Promise<void> {
  const [session] = sessions;
  const sessionHeader = session === undefined ? {} : { 'mcp-session-id': session };
  const reply = await sendRaw(url, { headers: { ...headers, ...sessionHeader }, body });
  if (reply.status !== 200 || reply.text.includes('"error"'))
    throw new Error(`the load's request got status ${reply.status} from ${url}: ${reply.text.slice(0, 500)}`);
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', () => {
      process.off('exit', stop);
      resolve(output);
    });
  });
}
