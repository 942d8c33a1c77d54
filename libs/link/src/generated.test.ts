import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const generated = ['mcp_bridge/link/v1/link.ts', 'mcp_bridge/router/v1/router.ts'];

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'link-gen-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function buf(...args: readonly string[]): void {
  const bin = join(
    dirname(createRequire(import.meta.url).resolve('@bufbuild/buf/package.json')),
    '../../.bin',
  );
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}`, BUF_CACHE_DIR: folder };
  execFileSync(join(bin, 'buf'), args, { cwd: project, env, stdio: 'pipe' });
}

test('the .proto passes buf lint', () => {
  buf('lint');
});

test('src/gen is what `npm run generate` makes of the .proto', () => {
  buf('generate', '-o', folder);
  for (const file of generated) {
    const fresh = readFileSync(join(folder, 'src/gen', file), 'utf8');
    expect(readFileSync(join(project, 'src/gen', file), 'utf8')).toBe(fresh);
  }
});
