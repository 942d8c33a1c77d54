import { createHash } from 'node:crypto';
import { BridgeError } from '@mcp-bridge/protocol';
import { configSchema } from '@mcp-bridge/service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dial, FrameClient, LineClient } from './tcp/test-tcp-client.js';
import { initialize, modern, openEvents, post, postForEvents } from './test-client.js';
import { json, startTestGateway, type TestGateway } from './test-gateway.js';
import { RawWebSocket } from './websocket/raw-websocket.js';

const keyOf = (id: string, secret = id) => ({
  id,
  tenant: 'acme',
  sha256: createHash('sha256').update(secret).digest('hex'),
});
const as = (secret: string) => ({ authorization: `Bearer ${secret}` });
const LISTEN = modern(7, 'subscriptions/listen', { notifications: {} });
const CALL = modern(1, 'tools/call', { name: 'x' });

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway({
    auth: { keys: [keyOf('ada'), keyOf('bob'), keyOf('bob', 'next')] },
    config: { tcp: { port: 0, maxFrameBytes: 100_000, maxConnections: 100 } },
  });
  gateway.router.on('subscriptions/listen', ({ sink }) =>
    sink.onMessage(json({ jsonrpc: '2.0', method: 'x' })),
  );
  gateway.router.on('tools/list', ({ sink }) => sink.onResult(json({ tools: [] })));
});
afterEach(() => gateway.close());

function reconfigure(keys: readonly ReturnType<typeof keyOf>[], changes: Record<string, unknown> = {}): void {
  gateway.prepare(configSchema.parse({ auth: { keys }, gateway: changes }))();
}

/** Everything that a client can leave open, and how each ends. */
async function openAll(secret: string) {
  const webSocket = await RawWebSocket.connect(gateway.port, { headers: { 'X-Api-Key': secret } });
  const base = `http://127.0.0.1:${gateway.port}`;
  const sse = await openEvents(`${base}/sse`, { headers: { accept: 'text/event-stream', ...as(secret) } });
  await sse.next();
  const session = await initialize(gateway.url, '2025-11-25', as(secret));
  const get = await openEvents(gateway.url, {
    headers: { accept: 'text/event-stream', ...session.headers },
  });
  await get.next();
  const listen = await postForEvents(gateway.url, LISTEN.message, { ...LISTEN.headers, ...as(secret) });
  const frames = await dial(gateway, FrameClient);
  await frames.hello({ key: secret });
  await listen.next();
  const lines = await dial(gateway, LineClient);
  lines.send({ jsonrpc: '2.0', method: 'notifications/bridge/hello', params: { key: secret } });
  lines.send({ jsonrpc: '2.0', id: 1, method: 'ping' });
  await lines.next();
  return {
    webSocket,
    frames,
    lines,
    ended: async () => {
      expect(await webSocket.untilClosed()).toMatchObject({ code: 1008 });
      expect(await frames.fatalError()).toMatchObject({ code: 'UNAUTHENTICATED' });
      await Promise.all([sse.rest(), get.rest(), listen.rest(), frames.untilClosed(), lines.untilClosed()]);
    },
    works: async () => {
      const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' };
      expect(await webSocket.ask(ping)).toMatchObject({ id: 'p' });
      lines.send(ping);
      expect(await lines.next()).toMatchObject({ id: 'p' });
      get.close();
      listen.close();
      sse.close();
    },
  };
}

test('a removed key opens nothing any more, and what it opened ends; others notice nothing', async () => {
  const ada = await openAll('ada');
  const next = await openAll('next');
  const old = await openAll('bob');
  reconfigure([keyOf('bob', 'next'), keyOf('eve')]);
  await Promise.all([ada.ended(), old.ended()]);
  await next.works();
  const status = async (secret: string) =>
    (
      await post(gateway.url, modern(1, 'tools/list').message, {
        ...modern(1, 'tools/list').headers,
        ...as(secret),
      })
    ).status;
  expect(await Promise.all(['ada', 'bob', 'next', 'eve'].map(status))).toEqual([401, 401, 200, 200]);
  await expect(RawWebSocket.connect(gateway.port, { headers: { 'X-Api-Key': 'ada' } })).rejects.toThrow(
    '401',
  );
});

test('a request in flight of a removed key still has its reply', async () => {
  const reply = post(gateway.url, CALL.message, { ...CALL.headers, ...as('ada') });
  const { sink } = await gateway.router.nth('tools/call');
  reconfigure([keyOf('bob')]);
  sink.onResult(json({ content: [] }));
  expect((await reply).status).toBe(200);
});

test('keys that are ambiguous change nothing', async () => {
  const ada = await openAll('ada');
  expect(() => reconfigure([keyOf('ada'), keyOf('eve', 'ada')])).toThrow(BridgeError);
  await ada.works();
});

test('limits and origins are those of the new configuration, on connections that are open, too', async () => {
  const webSocket = await RawWebSocket.connect(gateway.port, { headers: { 'X-Api-Key': 'ada' } });
  const origin = { ...as('ada'), ...CALL.headers, origin: 'https://app.example' };
  expect((await post(gateway.url, CALL.message, origin)).status).toBe(403);
  reconfigure([keyOf('ada')], { callTimeout: 1234, allowedOrigins: ['https://app.example'] });
  webSocket.sendText(CALL.message);
  const { request, sink } = await gateway.router.nth('tools/call');
  expect(request.timeoutMs).toBe(1234);
  sink.onResult(json({ content: [] }));
  const reply = post(gateway.url, CALL.message, origin);
  const second = await gateway.router.nth('tools/call', 1);
  expect(second.request.timeoutMs).toBe(1234);
  second.sink.onResult(json({ content: [] }));
  expect((await reply).status).toBe(200);
});
