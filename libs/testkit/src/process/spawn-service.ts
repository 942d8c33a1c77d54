import { spawn, type ChildProcess } from 'node:child_process';
import { killGroup, trackGroup } from './process-group.js';

/** How a process ended. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnServiceOptions {
  /** Matched against each line of stdout and stderr; the service is ready at the first match. */
  readonly readyPattern: RegExp;
  /** Default 20 000. */
  readonly readyTimeoutMs?: number;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Runs it as another user; needs root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Hears each line of stdout and stderr, to the end. */
  readonly onLine?: (line: string) => void;
}

/** A running child with everything that it started. */
export interface SpawnedService extends AsyncDisposable {
  readonly pid: number;
  /** The match of `readyPattern`, with its groups. */
  readonly ready: RegExpMatchArray;
  /** The last 256 KiB of stdout and stderr, interleaved as they came. */
  readonly output: string;
  readonly exited: Promise<ExitStatus>;
  /** Sends SIGTERM and waits; after `graceMs` (default 10 000) the whole group is killed. */
  stop(options?: { readonly signal?: NodeJS.Signals; readonly graceMs?: number }): Promise<ExitStatus>;
  /** SIGKILL to the process and everything that it started. */
  kill(): Promise<ExitStatus>;
}

const KEPT_OUTPUT = 256 * 1024;

/**
 * Starts a process in a group of its own and waits until it says that it is ready. The whole group is killed
 * on dispose and when this process exits, so that nothing outlives a test.
 *
 * @throws {Error} with the child's output, when it exits first or is not ready in time; nothing is left running
 */
export async function spawnService(
  command: string,
  args: readonly string[],
  options: SpawnServiceOptions,
): Promise<SpawnedService> {
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...options.owner,
  });
  const { pid } = child;
  const exited = exitOf(child);
  if (pid === undefined) {
    await exited;
    throw new Error(`could not start ${command}`);
  }
  const untrack = trackGroup(pid);
  void exited.then(() => {
    killGroup(pid);
    untrack();
  });

  let output = '';
  const kill = (): Promise<ExitStatus> => {
    killGroup(pid);
    return exited;
  };
  const ready = await new Promise<RegExpMatchArray>((resolve, reject) => {
    const timeoutMs = options.readyTimeoutMs ?? 20_000;
    const fail = (why: string): void =>
      reject(new Error(`${command} ${args.join(' ')} ${why}; its output:\n${output}`));
    const timer = setTimeout(() => fail(`was not ready after ${timeoutMs} ms`), timeoutMs);
    void exited.then(({ code, signal }) => fail(`exited with ${code ?? signal} before it was ready`));
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output = (output + text).slice(-KEPT_OUTPUT);
        const lines = (rest + text).split('\n');
        rest = (lines.pop() ?? '').slice(-KEPT_OUTPUT);
        for (const line of lines) {
          options.onLine?.(line);
          const match = options.readyPattern.exec(line);
          if (match === null) continue;
          clearTimeout(timer);
          resolve(match);
        }
      });
    }
  }).catch(async (error: unknown) => {
    await kill();
    throw error;
  });

  return {
    pid,
    ready,
    get output() {
      return output;
    },
    exited,
    async stop({ signal = 'SIGTERM', graceMs = 10_000 } = {}) {
      child.kill(signal);
      const timer = setTimeout(() => killGroup(pid), graceMs);
      const status = await exited;
      clearTimeout(timer);
      return status;
    },
    kill,
    [Symbol.asyncDispose]: () => kill().then(() => {}),
  };
}

function exitOf(child: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}
