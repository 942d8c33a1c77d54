import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectLegacyClient,
  connectModernClient,
  createTempFolder,
  sendRaw,
  waitFor,
  type TempFolder,
} from '@mcp-bridge/testkit';
import { legacyConnection, modernConnection, type Connection } from './connection.js';
import { startBridge, type RunningBridge } from './running-bridge.js';

const tool = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/tools/${name}.mjs`, import.meta.url));
const GOOD = ['greet', 'greet-inline', 'hold', 'hold-inline', 'square'];
const BAD = ['throws-at-load', 'bad-schema', 'bad-output-schema', 'no-such-file'];

type Json = Record<string, unknown>;
interface Greeting {
  readonly greeting: string;
  readonly thread: number;
}
interface Square {
  readonly square: number;
  readonly together: number;
}

const eras = {
  legacy: async (url: string): Promise<Connection> =>
    legacyConnection((await connectLegacyClient(url)).client),
  modern: async (url: string): Promise<Connection> =>
    modernConnection((await connectModernClient(url)).client),
};

describe.each(['one', 'two'] as const)('in %s process', (topology) => {
  let folder: TempFolder;
  let bridge: RunningBridge;
  beforeAll(async () => {
    folder = await createTempFolder();
    const tools = [...GOOD, ...BAD].map(tool);
    bridge = await startBridge({ topology, servers: {}, config: { tools, workers: { threads: 2 } } });
  });
  afterAll(async () => {
    await bridge[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** What the process of the native tools tells of them. */
  async function nativeState(): Promise<Json> {
    const listens = /"url":"(http:\/\/127\.0\.0\.1:\d+)","msg":"admin server listens"/;
    const url = listens.exec(bridge.router.output)?.[1];
    const { message } = await sendRaw(`${url}/debug/state`, { method: 'GET' });
    const { parts } = message as { parts: { routing: { native: Json } } };
    return parts.routing.native;
  }

  test('a bad tool is a named fault of that tool alone, in the state and in the log', async () => {
    const loaded = async (): Promise<Json | undefined> => {
      const state = await nativeState();
      return (state['served'] as unknown[]).length > 0 ? state : undefined;
    };
    const state = await waitFor(loaded, { timeoutMs: 20_000, what: 'the tools to be loaded' });
    const { served, faults } = state as { served: string[]; faults: Json[] };
    expect(served).toEqual(['greet', 'greet_inline', 'hold', 'hold_inline', 'square']);
    const found = faults.map(({ source, code, reason }) => [source, code, reason]);
    expect(found).toHaveLength(BAD.length);
    expect(found).toEqual(
      expect.arrayContaining([
        [tool('throws-at-load'), 'LOAD_FAILED', expect.stringContaining('no licence found')],
        [tool('bad-schema'), 'BAD_SCHEMA', expect.stringContaining('tool bad_schema: "inputSchema"')],
        [tool('bad-output-schema'), 'BAD_SCHEMA', expect.stringContaining('"outputSchema" does not')],
        [tool('no-such-file'), 'MISSING', 'there is no such file'],
      ]),
    );
    const isLogged = (): boolean => BAD.every((name) => bridge.router.output.includes(`${name}.mjs`));
    await waitFor(isLogged, { timeoutMs: 5_000, what: `a log line of each of ${BAD.join(', ')}` });
  });

  describe.each(['legacy', 'modern'] as const)('a %s client', (era) => {
    let client: Connection;
    beforeAll(async () => {
      client = await eras[era](bridge.url);
    });
    afterAll(() => client[Symbol.asyncDispose]());

    test('sees the good tools', async () => {
      expect((await client.toolNames()).toSorted()).toEqual(
        ['greet', 'greet_inline', 'hold', 'hold_inline', 'square'].map((name) => `tools__${name}`),
      );
    });

    test('calls one in a worker thread, and one on the event loop', async () => {
      const worker = JSON.parse(await client.call('tools__greet', { name: 'Ada' })) as Greeting;
      expect(worker.greeting).toBe('hello Ada');
      expect(worker.thread).toBeGreaterThan(0);
      const inline = JSON.parse(await client.call('tools__greet_inline', { name: 'Bob' })) as Greeting;
      expect(inline).toEqual({ greeting: 'hello Bob', thread: 0 });
    });

    test.each(['greet', 'greet_inline'])('hears what is wrong with a call of %s', async (name) => {
      const said = (args: Json): Promise<string> => client.call(`tools__${name}`, args);
      expect(await said({ nam: 'Ada' })).toMatch(
        new RegExp(`^Invalid arguments for tool ${name}: .*'name'.*"nam"`),
      );
      expect(await said({ name: '' })).toContain('/name must NOT have fewer than 1 characters');
      expect(await said({ name: 'broken' })).toContain(
        `Tool ${name} returned a result that does not match its outputSchema`,
      );
      expect(await said({ name: 'nobody' })).toBe('there is nobody to greet');
      // All of that was the calls' own trouble.
      expect(await said({ name: 'Ada' })).toContain('hello Ada');
    });

    test.each(['hold', 'hold_inline'])('hears of the progress of %s, and can cancel it', async (name) => {
      const file = join(folder.path, `${era}-${name}`);
      const cancel = new AbortController();
      const heard: unknown[] = [];
      const onprogress = (update: unknown): void => {
        heard.push(update);
        cancel.abort(new Error('not wanted any more'));
      };
      const call = client.call(`tools__${name}`, { file }, { onprogress, signal: cancel.signal });
      await expect(call).rejects.toThrow('not wanted any more');
      expect(heard).toEqual([{ progress: 1, total: 2, message: 'begun' }]);
      await waitFor(() => readFile(file, 'utf8').catch(() => ''), { what: 'the handler to notice' });
      expect(await readFile(file, 'utf8')).toBe('cancelled\n');
    });

    test('calls that come together are handled together; errors stay with their call', async () => {
      const numbers = Array.from({ length: 20 }, (_, index) => index - 1);
      const answers = await Promise.all(numbers.map((n) => client.call('tools__square', { n })));
      expect(answers[0]).toBe('-1 is negative');
      const squares = answers.slice(1).map((answer) => JSON.parse(answer) as Square);
      expect(squares.map(({ square }) => square)).toEqual(numbers.slice(1).map((n) => n * n));
      expect(Math.max(...squares.map(({ together }) => together))).toBeGreaterThan(1);
    });
  });
});
