import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from '@mcp-bridge/testkit';
import { configSchema } from '@mcp-bridge/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { asModern, modern, send } from '../routing-harness.js';
import { startNativeBench } from './fixtures/native-test-kit.js';
import type { NativeBench } from './fixtures/native-test-kit.js';

vi.setConfig({ testTimeout: 30_000 });

type Json = Record<string, unknown>;

let folder = '';
let bench: NativeBench;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mcp-bridge-tools-'));
});
afterEach(async () => {
  await bench.routing.close();
  await rm(folder, { recursive: true });
});

const fileOf = (name: string): string => path.join(folder, `${name}.mjs`);

/** A tool that says which version of it ran, after `ms`. */
async function write(name: string, version: string, more = ''): Promise<void> {
  const module = `export default {
    name: '${name}', description: 'Says ${version}', inputSchema: {}, ${more}
    async handler({ ms = 0 }, { progress }) {
      progress(1);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return '${version}';
    },
  };`;
  await writeFile(fileOf(name), module);
}

async function say(name: string): Promise<string> {
  const { result, error } = await bench.call(name, {}).ended;
  if (error !== undefined) throw error;
  return (result?.['content'] as { text: string }[])[0]?.text ?? '';
}

/** As the operator's SIGHUP: the configuration is the same, the files may not be. */
function reload(tools: (string | Json)[] = [path.join(folder, '*.mjs')]): void {
  const config = configSchema.parse({ tools, workers: { threads: 2 } });
  bench.routing.reconfigure({ config, cause: 'signal' });
}

function start(): void {
  bench = startNativeBench([path.join(folder, '*.mjs')], { threads: 2 });
}

const faults = (): Json[] => (bench.routing.status()['native'] as { faults: Json[] }).faults;

test.each([
  ['in a worker', ''],
  ['on the event loop', 'cpu: false,'],
])('a call that runs %s ends in its version, new calls run the next', async (_where, more) => {
  await write('speak', 'one', more);
  start();
  const flying = bench.call('speak', { ms: 700 }, {}, { progressToken: 1 });
  await flying.next(({ method }) => method === 'notifications/progress');
  await write('speak', 'two', more);
  reload();
  await waitFor(async () => (await say('speak')) === 'two', { what: 'the new version' });
  expect((await flying.ended).result).toMatchObject({ content: [{ text: 'one' }] });
});

test('a changed file is noticed without being told, and listeners hear of its new definition', async () => {
  await write('speak', 'one');
  start();
  const params = modern({ notifications: { toolsListChanged: true } });
  const stream = send(bench.routing, 'subscriptions/listen', params, { ...asModern(), timeoutMs: 0 });
  await stream.next(({ method }) => method === 'notifications/subscriptions/acknowledged');
  expect(await say('speak')).toBe('one');
  await write('speak', 'two');
  await stream.next(({ method }) => method === 'notifications/tools/list_changed');
  expect(await bench.list()).toMatchObject([{ name: 'tools__speak', description: 'Says two' }]);
  expect(await say('speak')).toBe('two');
  stream.handle.cancel('client');
});

test.each([
  ['throws at load', 'throw new Error("not today");', 'LOAD_FAILED', 'not today'],
  [
    'has a schema that does not compile',
    'export default { name: "speak", inputSchema: { properties: { a: { type: 7 } } }, handler: () => "bad" };',
    'BAD_SCHEMA',
    'does not compile',
  ],
  [
    'takes the name of another',
    'export default { name: "other", inputSchema: {}, handler: () => "bad" };',
    'DUPLICATE_NAME',
    'another file',
  ],
])(
  'a new version that %s leaves the old one in force, in every thread',
  async (_what, text, code, reason) => {
    await write('other', 'other');
    await write('speak', 'one');
    start();
    expect(await say('other')).toBe('other');
    // No thread has loaded it when its file turns bad.
    await writeFile(fileOf('speak'), text);
    reload();
    await waitFor(() => faults().length > 0, { what: 'the fault' });
    expect(faults()).toMatchObject([
      { source: fileOf('speak'), code, reason: expect.stringContaining(reason) as string },
    ]);
    expect(faults()[0]?.['reason']).toContain('the version before it stays in force');
    const calls = Array.from({ length: 6 }, () => bench.call('speak', { ms: 100 }).ended);
    for (const { result } of await Promise.all(calls))
      expect(result).toMatchObject({ content: [{ text: 'one' }] });
    await write('speak', 'three');
    reload();
    await waitFor(async () => (await say('speak')) === 'three', { what: 'the good version' });
    expect(faults()).toEqual([]);
  },
);

test('tools come, go and change their limits with the configuration', async () => {
  await write('a', 'a');
  await write('b', 'b');
  bench = startNativeBench([fileOf('a')], { threads: 2 });
  expect(await say('a')).toBe('a');
  await expect(say('b')).rejects.toThrow('Unknown tool');
  reload([{ path: fileOf('b'), timeout: 50 }]);
  await waitFor(async () => (await bench.list()).some(({ name }) => name === 'tools__b'));
  expect((await bench.list()).map(({ name }) => name)).toEqual(['tools__b']);
  expect((await bench.call('b', { ms: 5_000 }).ended).error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await expect(say('a')).rejects.toThrow('Unknown tool');
  // Without any tool their server is gone, and it comes again.
  reload([]);
  expect((await bench.call('b', {}).ended).error?.message).toContain('Unknown tool');
  reload([fileOf('a')]);
  expect(await say('a')).toBe('a');
});

test('no call fails while versions follow each other', async () => {
  await write('speak', 'v0');
  start();
  await say('speak');
  let stopped = false;
  let calls = 0;
  const failures: unknown[] = [];
  const caller = async (): Promise<void> => {
    while (!stopped) {
      const { result, error } = await bench.call('speak', { ms: 1 }).ended;
      calls += 1;
      if (error !== undefined || result?.['isError'] === true) failures.push(error ?? result);
    }
  };
  const callers = Array.from({ length: 4 }, caller);
  for (let n = 1; n <= 20; n += 1) {
    await write('speak', `v${n}`);
    reload();
    await waitFor(async () => (await say('speak')) === `v${n}`, { what: `version ${n}` });
  }
  stopped = true;
  await Promise.all(callers);
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(100);
});
