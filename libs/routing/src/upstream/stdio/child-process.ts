import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { BridgeError } from '@mcp-bridge/protocol';
import type { StdioServerConfig } from '@mcp-bridge/service';
import { childEnvironment } from './child-environment.js';
import { orphanGuard } from './orphan-guard.js';

const GRACE_MS = 2_000;
/** How long replies that the process wrote before its end may still arrive. */
const TAIL_MS = 100;

export interface ChildExit {
  /** Set when the process never ran. */
  readonly spawnError: NodeJS.ErrnoException | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the process is gone and its output has been read. Never rejects. */
  readonly exited: Promise<ChildExit>;
  /** True since `stop` was called: its end is no loss. */
  readonly stopping: boolean;
  /** Why it was ended by us: a better explanation than its exit. */
  readonly fault: BridgeError | undefined;
  /** Ends it as the specification says: stdin closed (by the caller, before), then SIGTERM, then SIGKILL. */
  stop(): Promise<void>;
  /** SIGKILL to the whole group, now. */
  kill(): void;
  /** The same, with the reason. */
  end(fault: BridgeError): void;
}

/**
 * Runs a server's command, never through a shell, as the leader of its own process group, so that whatever it
 * starts ends with it, also when this process dies by SIGKILL (`orphanGuard`).
 */
export function startChild(config: StdioServerConfig): Child {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(config.command, config.args, {
    cwd: config.cwd,
    env: childEnvironment(config.env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    shell: false,
    windowsHide: true,
  });
  const { pid } = child;
  if (pid !== undefined) orphanGuard.add(pid);
  let running = pid !== undefined;
  let settle: (exit: ChildExit) => void = () => undefined;
  let settled = false;
  const exited = new Promise<ChildExit>((resolve) => (settle = resolve));
  const finish = (exit: ChildExit): void => {
    if (settled) return;
    settled = true;
    running = false;
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.destroy();
    settle(exit);
  };
  child.on('error', (error) => {
    if (pid === undefined) finish({ spawnError: error, code: null, signal: null });
  });
  child.on('exit', (code, signal) => {
    if (pid !== undefined) {
      // What it left behind in its group would hold our pipes and the machine.
      signalGroup(pid, 'SIGKILL');
      orphanGuard.remove(pid);
    }
    const tail = setTimeout(() => finish({ spawnError: undefined, code, signal }), TAIL_MS);
    child.once('close', () => {
      clearTimeout(tail);
      finish({ spawnError: undefined, code, signal });
    });
  });
  // EPIPE after the process left; its exit tells the story.
  child.stdin.on('error', () => undefined);
  child.stdout.on('error', () => undefined);

  const kill = (): void => {
    if (running && pid !== undefined) signalGroup(pid, 'SIGKILL');
  };
  let stopping = false;
  let fault: BridgeError | undefined;
  const stop = async (): Promise<void> => {
    stopping = true;
    if (await endsWithin(exited, GRACE_MS)) return;
    if (pid !== undefined) signalGroup(pid, 'SIGTERM');
    if (await endsWithin(exited, GRACE_MS)) return;
    kill();
    await exited;
  };
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    get stopping() {
      return stopping;
    },
    get fault() {
      return fault;
    },
    stop,
    kill,
    end: (reason) => {
      fault ??= reason;
      kill();
    },
  };
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // The group is gone already.
  }
}

async function endsWithin(exited: Promise<ChildExit>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const ended = await Promise.race([exited.then(() => true as const), late]);
  clearTimeout(timer);
  return ended;
}
