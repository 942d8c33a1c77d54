import { createHash } from 'node:crypto';
import { existsSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { packageFile } from './package-file.js';

const KEEP_MS = 24 * 60 * 60 * 1000;

/**
 * Path of the fixture as one JavaScript file, built when its sources or its SDK changed. A bundle starts in
 * a third of the time that the same sources take through tsx, and tests start many.
 */
export function fixtureBundle(): string {
  const folder = packageFile('dist-bundle');
  const bundle = join(folder, `fixture-${sourceHash()}.mjs`);
  if (existsSync(bundle)) return bundle;
  // Test files run in parallel: each writes a file of its own and the rename is atomic.
  const unfinished = `${bundle}.${process.pid}.tmp`;
  buildSync({
    entryPoints: [packageFile('src/fixture/main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: unfinished,
    logLevel: 'error',
    // Dependencies that are CommonJS inside call require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  renameSync(unfinished, bundle);
  removeOldBundles(folder, bundle);
  return bundle;
}

function sourceHash(): string {
  const hash = createHash('sha256');
  const source = packageFile('src/fixture');
  for (const entry of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort())
    if (entry.endsWith('.ts')) addFile(hash, join(source, entry));
  const require = createRequire(import.meta.url);
  for (const name of ['server', 'node']) addFile(hash, require.resolve(`@modelcontextprotocol/${name}`));
  return hash.digest('hex').slice(0, 16);
}

function addFile(hash: ReturnType<typeof createHash>, path: string): void {
  const { mtimeMs, size } = statSync(path);
  hash.update(`${path}\0${mtimeMs}\0${size}\n`);
}

/** A running test may still spawn the bundle of before an edit, so only old ones go. */
function removeOldBundles(folder: string, current: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.startsWith('fixture-') || path === current) continue;
    try {
      if (Date.now() - statSync(path).mtimeMs > KEEP_MS) unlinkSync(path);
    } catch {
      // Another process removed it first.
    }
  }
}
