import type { Transport } from '@modelcontextprotocol/client';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { createLegacyClient, createModernClient, fixtureCommand, waitFor } from '@mcp-bridge/testkit';
import type { EraMode } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Connection, legacyConnection, modernConnection } from './connection.js';
import { type RunningBridge, startBridge } from './running-bridge.js';

/** The eras of the servers behind the bridge. */
const ERAS = ['legacy', 'modern'] satisfies EraMode[];
const ANSWERS = {
  sampling: () => 'the model says',
  elicitation: () => ({ username: 'ada', email: 'ada@example.org' }),
  roots: () => ['file:///home/ada'],
};

let bridge: RunningBridge;
beforeAll(async () => {
  // The SDK takes the browser's class, which Node 20 has not.
  vi.stubGlobal('WebSocket', WebSocket);
  bridge = await startBridge({
    topology: 'two',
    servers: { legacy: fixtureCommand({ era: 'legacy' }), modern: fixtureCommand({ era: 'modern' }) },
  });
});
afterAll(() => bridge[Symbol.asyncDispose]());

const urlOf = (view: string): URL => new URL(`${bridge.url.replace('http', 'ws')}/${view}`);

/** The 2.x SDK has no WebSocket transport of its own. */
function modernTransport(url: URL): Transport {
  // One message per turn: the SDK drops a progress notification that its reply overtakes within one.
  const ws = new WebSocket(url, 'mcp', { allowSynchronousEvents: false });
  const transport: Transport = {
    start: () =>
      new Promise((resolve, reject) => {
        ws.on('open', resolve);
        ws.on('error', reject);
        ws.on('close', () => transport.onclose?.());
        ws.on('message', (data: Buffer) =>
          transport.onmessage?.(JSON.parse(data.toString('utf8')) as Parameters<Transport['send']>[0]),
        );
      }),
    send: (message) =>
      new Promise((resolve, reject) => {
        ws.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve()));
      }),
    close: () => {
      ws.close();
      return Promise.resolve();
    },
  };
  return transport;
}

async function legacyClient(view: string) {
  const client = createLegacyClient({ answers: ANSWERS });
  await client.connect(new WebSocketClientTransport(urlOf(view)));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

async function modernClient(view: string) {
  const client = createModernClient({ answers: ANSWERS });
  await client.connect(modernTransport(urlOf(view)));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

const connectLegacy = async (view: string): Promise<Connection> =>
  legacyConnection((await legacyClient(view)).client);

const connectModern = async (view: string): Promise<Connection> =>
  modernConnection((await modernClient(view)).client);

async function cancelledSleeps(connection: Connection): Promise<number> {
  const effects = JSON.parse(await connection.call('probe_effects')) as Record<string, number>;
  return effects['sleep-cancelled'] ?? 0;
}

describe.each([
  ['a 1.32 client', connectLegacy],
  ['a 2.4 client pinned to 2026-07-28', connectModern],
])('%s over WebSocket', (_name, connect) => {
  test.each(ERAS)('lists, calls and hears progress of a %s server', async (era) => {
    await using client = await connect(era);
    expect(await client.toolNames()).toContain('test_simple_text');
    const progress: number[] = [];
    const onprogress = (update: { progress: number }) => void progress.push(update.progress);
    expect(await client.call('probe_sleep', { ms: 20, steps: 4 }, { onprogress })).toBe('slept 20 ms');
    expect(progress.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test.each(ERAS)('answers a %s server in mid-call', async (era) => {
    await using client = await connect(era);
    expect(await client.call('test_sampling', { prompt: 'say it' })).toContain('the model says');
    expect(await client.call('test_elicitation', { message: 'who?' })).toContain('ada@example.org');
  });

  test.each(ERAS)('cancels a call of a %s server', async (era) => {
    await using client = await connect(era);
    const before = await cancelledSleeps(client);
    const abort = new AbortController();
    const options = { signal: abort.signal, onprogress: () => abort.abort() };
    await expect(client.call('probe_sleep', { ms: 60_000, steps: 1000 }, options)).rejects.toThrow();
    await waitFor(async () => (await cancelledSleeps(client)) > before);
  });

  test('a large result comes whole', async () => {
    await using client = await connect('legacy');
    const bytes = 3 * 1024 * 1024;
    expect(await client.call('probe_payload', { bytes })).toHaveLength(bytes);
  });
});

test('a listener of either era hears of a changed list, over its one connection', async () => {
  await using stateless = await modernClient('legacy');
  await using session = await legacyClient('legacy');
  const heard: string[] = [];
  stateless.client.setNotificationHandler('notifications/tools/list_changed', () => {
    heard.push('modern');
  });
  session.client.fallbackNotificationHandler = ({ method }) => {
    if (method === 'notifications/tools/list_changed') heard.push('legacy');
    return Promise.resolve();
  };
  const subscription = await stateless.client.listen({ toolsListChanged: true });
  expect(subscription.honoredFilter).toMatchObject({ toolsListChanged: true });
  await session.client.listTools();
  heard.length = 0;
  await stateless.client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
  await session.client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
  await waitFor(() => heard.includes('modern') && heard.includes('legacy'));
  await subscription.close();
});

test('a gateway that stops tells its clients: listens end in order, then 1001', async () => {
  await using stopping = await startBridge({ servers: { modern: fixtureCommand({ era: 'modern' }) } });
  const client = createModernClient();
  const transport = modernTransport(new URL(stopping.url.replace('http', 'ws')));
  await client.connect(transport);
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve;
  });
  const subscription = await client.listen({ toolsListChanged: true });
  const stopped = stopping.gateway.stop();
  expect(await subscription.closed).toBe('graceful');
  await closed;
  expect(await stopped).toMatchObject({ code: 0 });
});
