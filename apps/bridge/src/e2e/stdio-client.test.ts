import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  createLegacyClient,
  createModernClient,
  createTempFolder,
  fixtureCommand,
  freePort,
  isRunning,
  waitFor,
} from '@mcp-bridge/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { type Connection, legacyConnection, modernConnection } from './connection.js';
import { type RunningBridge, startBridge } from './running-bridge.js';

const COMMAND = fileURLToPath(new URL('../../bin/mcp-bridge.mjs', import.meta.url));
const KEY = `mcpb_${randomBytes(16).toString('hex')}`;
const ANSWERS = { sampling: () => 'the model says' };

const folder = await createTempFolder();
const config = await folder.write(
  'bridge.json',
  JSON.stringify({
    servers: { legacy: fixtureCommand({ era: 'legacy' }), modern: fixtureCommand({ era: 'modern' }) },
  }),
);
const keyFile = await folder.write('key', `${KEY}\n`);
const port = await freePort();
let running: RunningBridge | undefined;
afterAll(async () => {
  await running?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function restartBridge(): Promise<void> {
  await running?.[Symbol.asyncDispose]();
  running = await startBridge({
    servers: { legacy: fixtureCommand({ era: 'legacy' }), modern: fixtureCommand({ era: 'modern' }) },
    config: {
      gateway: { port },
      auth: { keys: [{ id: 'laptop', sha256: createHash('sha256').update(KEY).digest('hex') }] },
    },
  });
}

const ALL_IN_ONE = ['stdio', '-c', config];
const RELAY = ['stdio', '--connect', `http://127.0.0.1:${port}/mcp`, '--key-file', keyFile];

/** A client with a command that it has spawned. */
interface Spawned extends AsyncDisposable {
  readonly connection: Connection;
  /** Of the command. */
  readonly pid: number;
  /** What came on its standard output and was no message, and other faults. */
  readonly faults: Error[];
}

async function connect(era: 'legacy' | 'modern', args: readonly string[]): Promise<Spawned> {
  const parameters = { command: process.execPath, args: [COMMAND, ...args], stderr: 'ignore' as const };
  const faults: Error[] = [];
  let connection: Connection;
  let pid: number | null;
  if (era === 'legacy') {
    const client = createLegacyClient({ answers: ANSWERS });
    const transport = new LegacyTransport(parameters);
    client.onerror = (error) => faults.push(error);
    // The SDK's own class has optional members that may be undefined, where its interface may not.
    await client.connect(transport as Parameters<typeof client.connect>[0]);
    connection = legacyConnection(client);
    pid = transport.pid;
  } else {
    const client = createModernClient({ answers: ANSWERS, negotiation: 'auto' });
    const transport = new ModernTransport(parameters);
    client.onerror = (error) => faults.push(error);
    await client.connect(transport);
    connection = modernConnection(client);
    pid = transport.pid;
  }
  const close = (): PromiseLike<void> => connection[Symbol.asyncDispose]();
  return { connection, pid: pid ?? 0, faults, [Symbol.asyncDispose]: close };
}

const ECHO = ['modern__echo', { text: 'once' }] as const;
const SAMPLE = ['legacy__test_sampling', { prompt: 'say it' }] as const;

describe.each(['legacy', 'modern'] as const)('a %s client spawns mcp-bridge stdio', (era) => {
  test('uses servers of both eras, and all ends with it', async () => {
    await using spawned = await connect(era, ALL_IN_ONE);
    const { connection, faults, pid } = spawned;
    const names = await connection.toolNames();
    expect(names).toContain('legacy__test_simple_text');
    expect(names).toContain('modern__test_simple_text');
    for (const server of ['legacy', 'modern']) {
      const answer = await connection.call(`${server}__test_sampling`, { prompt: 'say it' });
      expect(answer).toContain('the model says');
    }
    const context = JSON.parse(await connection.call('legacy__probe_context')) as { pid: number };
    expect(isRunning(context.pid)).toBe(true);
    const started = performance.now();
    await connection[Symbol.asyncDispose]();
    await waitFor(() => !isRunning(pid) && !isRunning(context.pid));
    // The SDKs kill what does not end by itself within two seconds.
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(faults).toEqual([]);
  });

  test('relays to a running bridge, and goes on when that was restarted', async () => {
    await restartBridge();
    await using spawned = await connect(era, RELAY);
    const { connection, faults } = spawned;
    expect(await connection.call(...ECHO)).toContain('once');
    expect(await connection.call(...SAMPLE)).toContain('the model says');

    let started: () => void = () => undefined;
    const inFlight = new Promise<void>((resolve) => {
      started = resolve;
    });
    const sleep = { ms: 60_000, steps: 1000 };
    const cut = connection.call('legacy__probe_sleep', sleep, { onprogress: () => started() });
    const failed = expect(cut).rejects.toMatchObject({ code: -31005 });
    await inFlight;
    await restartBridge();
    await failed;
    expect(await connection.call(...ECHO)).toContain('once');
    expect(await connection.call(...SAMPLE)).toContain('the model says');
    expect(faults).toEqual([]);
  });
});

test('what waits for a bridge that is not there yet is answered when it comes', async () => {
  await running?.[Symbol.asyncDispose]();
  running = undefined;
  const connecting = connect('legacy', RELAY);
  await restartBridge();
  await using spawned = await connecting;
  expect(await spawned.connection.call(...ECHO)).toContain('once');
});

test('a refused key ends the relay with a word of why', async () => {
  await restartBridge();
  const wrong = await folder.write('wrong', 'mcpb_wrong');
  const args = [COMMAND, ...RELAY.map((arg) => (arg === keyFile ? wrong : arg))];
  const child = spawn(process.execPath, args, { stdio: 'pipe' });
  child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ id: 1, error: { message: expect.stringContaining('401') } });
  expect(stderr).toContain('Send a valid API key');
  expect(stderr).not.toContain('mcpb_wrong');
});

test.each([
  ['a URL that is none', ['--connect', 'nonsense']],
  ['a URL with a password', ['--connect', 'http://ada:secret@127.0.0.1/mcp']],
  ['a key file that is not there', ['--connect', 'http://127.0.0.1/mcp', '--key-file', '/nowhere']],
])('exits 78 for %s', async (_what, args) => {
  const child = spawn(process.execPath, [COMMAND, 'stdio', ...args], { stdio: 'pipe' });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  expect([code, stdout]).toEqual([78, '']);
  expect(stderr).toMatch(/^--(connect|key-file): /);
  expect(stderr).not.toContain('secret');
});
