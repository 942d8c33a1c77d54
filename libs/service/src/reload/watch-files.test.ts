import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchFiles } from './watch-files.js';

let folder = '';
let stop: () => void = () => undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mcp-bridge-watch-'));
});
afterEach(async () => {
  stop();
  await rm(folder, { recursive: true });
});

/** Resolves with the next change; fails by the test's own limit when none comes. */
function nextChange(file: string): Promise<void> {
  return new Promise((resolve) => {
    stop = watchFiles({ files: () => [file], onChange: resolve, intervalMs: 5, settleMs: 5 });
  });
}

test('notices a file that is written, replaced, removed, and made again', async () => {
  const file = path.join(folder, 'bridge.yaml');
  await writeFile(file, 'a');
  let changes = 0;
  let wake = (): void => undefined;
  stop = watchFiles({
    files: () => [file],
    onChange: () => {
      changes += 1;
      wake();
    },
    intervalMs: 5,
    settleMs: 5,
  });
  const after = async (change: () => Promise<void>): Promise<number> => {
    const noticed = new Promise<void>((resolve) => (wake = resolve));
    await change();
    await noticed;
    return changes;
  };
  expect(await after(() => writeFile(file, 'b'))).toBe(1);
  const replaced = await after(async () => {
    await writeFile(`${file}.new`, 'b');
    await rename(`${file}.new`, file);
  });
  expect(replaced).toBe(2);
  expect(await after(() => rm(file))).toBe(3);
  expect(await after(() => writeFile(file, 'b'))).toBe(4);
});

test('notices a ConfigMap: the folder behind two symbolic links is swapped', async () => {
  for (const [version, text] of [
    ['..1', 'a'],
    ['..2', 'b'],
  ] as const) {
    await mkdir(path.join(folder, version));
    await writeFile(path.join(folder, version, 'bridge.yaml'), text);
  }
  await symlink('..1', path.join(folder, '..data'));
  await symlink(path.join('..data', 'bridge.yaml'), path.join(folder, 'bridge.yaml'));
  const changed = nextChange(path.join(folder, 'bridge.yaml'));
  await symlink('..2', path.join(folder, '..data_tmp'));
  await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  await changed;
});

test('waits until nothing moves any more', async () => {
  const file = path.join(folder, 'bridge.yaml');
  await writeFile(file, '');
  let seen = 0;
  const changed = new Promise<void>((resolve) => {
    let looks = 0;
    stop = watchFiles({
      files: () => {
        looks += 1;
        // Another name each time: nothing is ever the same twice, until the tenth look.
        return looks > 1 && looks < 10 ? [file, String(looks)] : [file, ...(looks < 10 ? [] : ['settled'])];
      },
      onChange: () => {
        seen = looks;
        resolve();
      },
      intervalMs: 1,
      settleMs: 1,
    });
  });
  await changed;
  expect(seen).toBe(11);
});
