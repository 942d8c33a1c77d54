import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { faultLine } from './faults.js';
import { readConfig } from './load-config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mcp-bridge-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function read(text: string) {
  const file = path.join(folder, 'bridge.yaml');
  writeFileSync(file, `auth: { anonymous: {} }\n${text}\n`);
  return readConfig({ env: {}, file });
}

test('tool files are relative to the configuration, plain or with options', () => {
  const result = read("tools: ['./tools/*.js', { path: one.js, concurrency: 2, timeout: 5s }]");
  expect(result).toMatchObject({
    ok: true,
    loaded: {
      config: {
        tools: [
          path.join(folder, 'tools/*.js'),
          { path: path.join(folder, 'one.js'), concurrency: 2, timeout: 5000, disabled: false },
        ],
        workers: { name: 'tools', maxQueue: 1000, memoryLimit: 256 * 1024 * 1024 },
      },
    },
  });
});

test('a view may select the native tools, by the name that they are given', () => {
  expect(read('tools: [a.js]\nviews: { mine: { servers: [tools] } }')).toMatchObject({ ok: true });
  const text = 'tools: [a.js]\nworkers: { name: native }\nviews: { mine: { servers: [native] } }';
  expect(read(text)).toMatchObject({ ok: true });
});

test('without native tools there is no such server', () => {
  const result = read('views: { mine: { servers: [tools] } }');
  expect(result.ok ? [] : result.faults.map(faultLine)).toEqual([
    expect.stringContaining('there is no server "tools"'),
  ]);
});

test('a server cannot have the name of the native tools', () => {
  const result = read('tools: [a.js]\nservers: { tools: { command: node } }');
  expect(result.ok ? [] : result.faults.map(faultLine)).toEqual([expect.stringContaining('workers.name')]);
});
