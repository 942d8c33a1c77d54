import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { createTempFolder } from '@mcp-bridge/testkit';
import { expect, test } from 'vitest';
import { readEnvironment } from './environment.js';
import { appendHistory, historyEntry, loadHistory } from './history.js';

test('keeps runs in order, passes over a line that was cut off, and figures that are none', async () => {
  await using folder = await createTempFolder();
  const file = path.join(folder.path, 'new', 'history.jsonl');
  expect(await loadHistory(file)).toEqual([]);
  const environment = readEnvironment(new Date(0));
  await appendHistory(file, historyEntry(environment, { a: 1, b: Number.NaN }));
  await appendFile(file, '{"at":"cut o');
  await appendFile(file, '\n');
  await appendHistory(file, historyEntry(environment, { a: 2 }));
  const runs = await loadHistory(file);
  expect(runs.map(({ figures }) => figures)).toEqual([{ a: 1 }, { a: 2 }]);
  expect(runs[0]).toMatchObject({ at: '1970-01-01T00:00:00.000Z', node: process.versions.node });
});
