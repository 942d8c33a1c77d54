import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A router in its own process, so that it can be killed. Answers `echo`, keeps all other calls. */
export interface RouterProcess extends AsyncDisposable {
  readonly port: number;
  /** Resolves when this many calls are kept open. */
  holding(calls: number): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export async function startRouterProcess(port = 0): Promise<RouterProcess> {
  const script = fileURLToPath(new URL('./router-process.mjs', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=@mcp-bridge/source', '--import', 'tsx', script, String(port)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  let held = 0;
  let onHeld = (): void => {};
  child.on('message', (message: { held?: string }) => {
    if (message.held === undefined) return;
    held++;
    onHeld();
  });
  const [ready] = (await once(child, 'message')) as [{ port: number }]; // what router-process.mjs sends first
  const kill = async (): Promise<void> => end(child);
  return {
    port: ready.port,
    async holding(calls) {
      await new Promise<void>((resolve) => {
        onHeld = () => held >= calls && resolve();
        onHeld();
      });
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
