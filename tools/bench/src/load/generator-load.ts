import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sourceFlags } from '../source-flags.js';
import type { LoadSpec } from './drivers.js';
import type { Load, LoadSample, RunOptions } from './load.js';

/** What the generator is told, over its IPC channel. */
export type GeneratorOrder =
  | { readonly order: 'open'; readonly spec: LoadSpec }
  | { readonly order: 'prepare' }
  | { readonly order: 'run'; readonly durationMs: number; readonly options: RunOptions };

export type GeneratorReport =
  { readonly opened: number } | { readonly sample: LoadSample } | { readonly failed: string };

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));

/**
 * Starts a load generator in a process of its own and opens the connections of the load. It ends with this
 * process, whatever happens.
 *
 * @throws {Error} when a connection or session cannot be opened
 */
export async function startGenerator(spec: LoadSpec): Promise<Load> {
  const child = fork(GENERATOR, {
    execArgv: [...sourceFlags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { pid } = child;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  try {
    await tell(child, { order: 'open', spec });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...(pid !== undefined && { pid }),
    async prepare() {
      await tell(child, { order: 'prepare' });
    },
    async run(durationMs, options = {}) {
      const report = await tell(child, { order: 'run', durationMs, options });
      if (!('sample' in report)) throw new Error('the load generator did not return a sample');
      return report.sample;
    },
    [Symbol.asyncDispose]: close,
  };
}

function tell(child: ChildProcess, order: GeneratorOrder): Promise<GeneratorReport> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`the load generator ended with ${code ?? 'a signal'}`));
    child.once('exit', onExit);
    child.once('message', (report: GeneratorReport) => {
      child.off('exit', onExit);
      if ('failed' in report) reject(new Error(`load generator: ${report.failed}`));
      else resolve(report);
    });
    child.send(order);
  });
}
