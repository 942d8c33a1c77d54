import { spawn, spawnSync } from 'node:child_process';
import { createTempFolder, sendRaw } from '@mcp-bridge/testkit';
import { kernelUnits } from '../measure/process-stat.js';
import type { Load, LoadSample } from './load.js';
import { parseWrkReport, wrkScript, type WrkRequest } from './wrk-script.js';

export interface WrkLoadOptions {
  readonly url: string;
  /** Default 64, on one thread. */
  readonly connections?: number;
  readonly request: WrkRequest;
}

/**
 * Finds wrk, or installs Debian's package where that is possible.
 *
 * @throws {Error} that says what to install, where it is not
 */
export function ensureWrk(progress: (line: string) => void): void {
  if (isInstalled()) return;
  const canInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
  if (!canInstall)
    throw new Error(
      'wrk is missing: install it ("apt-get install wrk", "dnf install wrk") and run this again.',
    );
  progress('Installing wrk (apt-get install wrk) …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): number | null =>
    spawnSync('apt-get', args, { env, stdio: 'ignore' }).status;
  if (apt('install', '-y', '-q', 'wrk') !== 0) {
    apt('update', '-q');
    apt('install', '-y', '-q', 'wrk');
  }
  if (!isInstalled())
    throw new Error('apt-get could not install wrk: run "apt-get install wrk" and see why.');
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
    async run(durationMs) {
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

function isInstalled(): boolean {
  return spawnSync('wrk', ['-v']).error === undefined;
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
