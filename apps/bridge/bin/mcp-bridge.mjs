#!/usr/bin/env -S node --initial-heap-size=96
// Of the flag, see README.md, Decisions.
// Runs the built command when it is current, else the source: a clean clone needs no build step.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { register } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const app = fileURLToPath(new URL('..', import.meta.url));
const built = path.join(app, 'dist', 'main.js');

/** True when every project that the command uses was compiled after its sources last changed. */
function isCurrent() {
  if (!existsSync(built)) return false;
  const { references } = JSON.parse(readFileSync(path.join(app, 'tsconfig.json'), 'utf8'));
  return [app, ...references.map((reference) => path.join(app, reference.path))].every((project) => {
    const stamp = path.join(project, 'dist', 'tsconfig.tsbuildinfo');
    return existsSync(stamp) && newestSource(path.join(project, 'src')) <= statSync(stamp).mtimeMs;
  });
}

function newestSource(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .reduce(
      (newest, entry) => Math.max(newest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
      0,
    );
}

const hasSource = existsSync(path.join(app, 'src', 'main.ts'));
let entry = built;
if (hasSource && !isCurrent()) {
  const tsx = await import('tsx/esm/api');
  tsx.register();
  // The workspace's packages point at their sources under this export condition.
  register('./source-condition.mjs', import.meta.url);
  entry = path.join(app, 'src', 'main.ts');
}
const { main } = await import(pathToFileURL(entry).href);
try {
  process.exit(await main(process.argv));
} catch (error) {
  console.error(error);
  if (String(error).includes('GLIBC_')) {
    console.error(
      'This Node needs a newer system (glibc 2.38: Debian 13, Ubuntu 24.04). Use Node 20 on this one.',
    );
  }
  process.exit(1);
}
