import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type BridgeTransport, createTcpTransport, createWebSocketTransport } from '@mcp-bridge/client';
import {
  createLegacyClient,
  createModernClient,
  fixtureCommand,
  freePort,
  waitFor,
} from '@mcp-bridge/testkit';
import type { EraMode } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connection, legacyConnection, modernConnection } from './connection.js';
import { type RunningBridge, startBridge } from './running-bridge.js';

/** The eras of the servers behind the bridge. */
const ERAS = ['legacy', 'modern'] satisfies EraMode[];
const SERVERS = { legacy: fixtureCommand({ era: 'legacy' }), modern: fixtureCommand({ era: 'modern' }) };
const ANSWERS = {
  sampling: () => 'the model says',
  elicitation: () => ({ username: 'ada', email: 'ada@example.org' }),
  roots: () => ['file:///home/ada'],
};

let port: number;
let bridge: RunningBridge;
beforeAll(async () => {
  port = await freePort();
  bridge = await startBridge({
    topology: 'two',
    servers: SERVERS,
    config: { gateway: { tcp: { port } } },
  });
});
afterAll(() => bridge[Symbol.asyncDispose]());

const TRANSPORTS: Record<string, (view: string) => BridgeTransport> = {
  'TCP frames of JSON': (view) => createTcpTransport({ port, view }),
  'TCP frames of MessagePack': (view) => createTcpTransport({ port, view, encoding: 'msgpack' }),
  'TCP lines': (view) => createTcpTransport({ port, view, mode: 'lines' }),
  WebSocket: (view) => createWebSocketTransport({ url: `${bridge.url}/${view}` }),
};

const CLIENTS = {
  'a 1.32 client': async (transport: BridgeTransport): Promise<Connection> => {
    const client = createLegacyClient({ answers: ANSWERS });
    await client.connect(transport);
    return legacyConnection(client);
  },
  'a 2.4 client pinned to 2026-07-28': async (transport: BridgeTransport): Promise<Connection> => {
    const client = createModernClient({ answers: ANSWERS });
    await client.connect(transport);
    return modernConnection(client);
  },
};

async function cancelledSleeps(connection: Connection): Promise<number> {
  const effects = JSON.parse(await connection.call('probe_effects')) as Record<string, number>;
  return effects['sleep-cancelled'] ?? 0;
}

const pairs = Object.entries(TRANSPORTS).flatMap(([over, transport]) =>
  Object.entries(CLIENTS).map(([name, join]) => ({ over, transport, name, join })),
);

describe.each(pairs)('$name over $over', ({ transport, join }) => {
  test.each(ERAS)('lists, calls and hears progress of a %s server', async (era) => {
    await using client = await join(transport(era));
    expect(await client.toolNames()).toContain('test_simple_text');
    const progress: number[] = [];
    const onprogress = (update: { progress: number }) => void progress.push(update.progress);
    expect(await client.call('probe_sleep', { ms: 20, steps: 4 }, { onprogress })).toBe('slept 20 ms');
    expect(progress).toEqual([1, 2, 3, 4]);
  });

  test.each(ERAS)('answers a %s server in mid-call', async (era) => {
    await using client = await join(transport(era));
    expect(await client.call('test_sampling', { prompt: 'say it' })).toContain('the model says');
    expect(await client.call('test_elicitation', { message: 'who?' })).toContain('ada@example.org');
  });

  test.each(ERAS)('cancels a call of a %s server', async (era) => {
    await using client = await join(transport(era));
    const before = await cancelledSleeps(client);
    const abort = new AbortController();
    const options = { signal: abort.signal, onprogress: () => abort.abort() };
    await expect(client.call('probe_sleep', { ms: 60_000, steps: 1000 }, options)).rejects.toThrow();
    await waitFor(async () => (await cancelledSleeps(client)) > before);
  });

  test('gets a large result whole', async () => {
    await using client = await join(transport('legacy'));
    const bytes = 3 * 1024 * 1024;
    expect(await client.call('probe_payload', { bytes })).toHaveLength(bytes);
  });
});

test('garbage on the port ends nothing but its own connection', async () => {
  await using client = await CLIENTS['a 1.32 client'](createTcpTransport({ port, view: 'legacy' }));
  const beginnings = [
    '',
    '{',
    '{"jsonrpc":"2.0","method":"',
    'MCPB',
    'MCPB\x01',
    'MCPB\x01\x00\x00\x00\x02\x01\x01{}',
  ];
  for (let round = 0; round < 60; round++) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.on('connect', () => {
        socket.write(beginnings[round % beginnings.length] ?? '', 'latin1');
        socket.write(randomBytes(1 + ((round * 997) % 5000)));
        if (round % 3 === 0) socket.resetAndDestroy();
        else socket.end();
      });
      socket.resume();
    });
  }
  expect(await client.call('test_simple_text')).toContain('simple text');
});

test('a bridge that stops answers what it has over TCP, and exits', async () => {
  const ownPort = await freePort();
  await using stopping = await startBridge({
    servers: { modern: SERVERS.modern },
    config: { gateway: { tcp: { port: ownPort } } },
  });
  const transport = createTcpTransport({ port: ownPort, view: 'modern' });
  await using client = await CLIENTS['a 2.4 client pinned to 2026-07-28'](transport);
  let onprogress = (): void => undefined;
  const started = new Promise<void>((resolve) => (onprogress = resolve));
  const slow = client.call('probe_sleep', { ms: 1_000, steps: 10 }, { onprogress });
  await started;
  const stopped = stopping.gateway.stop();
  expect(await slow).toBe('slept 1000 ms');
  expect(await stopped).toMatchObject({ code: 0 });
});
