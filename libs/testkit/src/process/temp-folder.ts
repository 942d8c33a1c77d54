import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that goes away with everything in it. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file of this folder and returns its path. */
  write(name: string, text: string): Promise<string>;
}

/** Creates an empty folder of its own for one test. */
export async function createTempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mcp-bridge-'));
  return {
    path,
    async write(name, text) {
      const file = join(path, name);
      await writeFile(file, text);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
