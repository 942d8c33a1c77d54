import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'link-gen-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs one of the project's tools with the installed `buf` in its path. */
function run(command: string, ...args: readonly string[]): void {
  const bin = join(
    dirname(createRequire(import.meta.url).resolve('@bufbuild/buf/package.json')),
    '../../.bin',
  );
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}`, BUF_CACHE_DIR: folder };
  execFileSync(command, args, { cwd: project, env, stdio: 'pipe' });
}

/** The modules below a folder, by path. */
function modules(root: string): Record<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

test('the .proto passes buf lint', () => {
  run('buf', 'lint');
});

test('src/gen is what `npm run generate` makes of the .proto', () => {
  run('buf', 'generate', '-o', folder);
  run(process.execPath, 'scripts/write-descriptors.mjs', folder);
  expect(modules(join(project, 'src/gen'))).toEqual(modules(join(folder, 'src/gen')));
});
