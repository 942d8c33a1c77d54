import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createTempFolder, waitFor } from '@mcp-bridge/testkit';

/** What a process holds once its garbage is collected, in bytes. */
export interface SettledMemory {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}

/** Reads the memory of processes that were started with its flags. */
export interface SettledMemoryReader extends AsyncDisposable {
  readonly nodeFlags: readonly string[];
  read(pid: number): Promise<SettledMemory>;
}

/** Memory without garbage: growth of some bytes a connection would drown in what V8 has yet to collect. */
export async function createSettledMemoryReader(): Promise<SettledMemoryReader> {
  const folder = await createTempFolder();
  const preload = new URL('collect-on-signal.mjs', import.meta.url);
  preload.searchParams.set('folder', folder.path);
  return {
    nodeFlags: ['--expose-gc', '--import', preload.href],
    async read(pid) {
      const file = path.join(folder.path, `${pid}.json`);
      await rm(file, { force: true });
      process.kill(pid, 'SIGUSR2');
      const text = await waitFor(() => readFile(file, 'utf8').catch(() => undefined), {
        timeoutMs: 30_000,
        what: `process ${pid} to collect its garbage`,
      });
      // What process.memoryUsage() returns.
      return JSON.parse(text) as SettledMemory;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
