import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createTempFolder } from '@mcp-bridge/testkit';
import { expect, it } from 'vitest';
import { launchFlags } from './launch-flags.js';

it.each([
  ['#!/usr/bin/env -S node --a=1 --b', ['--a=1', '--b']],
  ['#!/usr/bin/env node', []],
])('takes the flags of %s', async (line, flags) => {
  await using folder = await createTempFolder();
  const file = path.join(folder.path, 'apps/bridge/bin/mcp-bridge.mjs');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${line}\nimport { main } from 'node --c';\n`);
  expect(launchFlags(folder.path)).toEqual(flags);
});
