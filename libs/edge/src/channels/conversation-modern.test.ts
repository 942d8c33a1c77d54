import { BridgeError } from '@mcp-bridge/protocol';
import { expect, test } from 'vitest';
import { modern } from '../test-client.js';
import { json } from '../test-gateway.js';
import { notification, startTestChannels } from './test-channel.js';

const call = (id: number | string, name = 'echo', meta = {}): unknown =>
  modern(id, 'tools/call', { name, arguments: {} }, meta).message;

test('a request becomes one call of the channel’s principal and view, without a session', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(
    call('a', 'echo', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
  );
  const { request, sink } = await channels.router.nth('tools/call');
  expect(request).toMatchObject({
    principal: { tenant: 'acme', id: 'ada' },
    view: 'tools',
    name: 'echo',
    clientRequestId: '"a"',
    protocolVersion: '2026-07-28',
    session: '',
    paramHeaders: '',
    replayStream: '',
    timeoutMs: 60_000,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  sink.onMessage(json(notification('notifications/progress', { progressToken: 1, progress: 1 })));
  sink.onResult(Buffer.from('{"resultType":"complete","content":[ ]}'));
  expect(await channel.next()).toMatchObject({ method: 'notifications/progress' });
  expect(await channel.next()).toEqual({
    jsonrpc: '2.0',
    id: 'a',
    result: { resultType: 'complete', content: [] },
  });
});

test('several requests are in flight and are answered in the order of their results', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  for (const id of [1, '1', 2]) channel.write(call(id));
  const third = await channels.router.nth('tools/call', 2);
  const [first, second] = channels.router.calls;
  third.sink.onResult(json({ n: 3 }));
  first?.sink.onResult(json({ n: 1 }));
  second?.sink.onError(new BridgeError('UPSTREAM_ERROR', 'no', { rpcCode: -7, data: '[1]' }));
  expect(await channel.next()).toMatchObject({ id: 2, result: { n: 3 } });
  expect(await channel.next()).toMatchObject({ id: 1, result: { n: 1 } });
  expect(await channel.next()).toEqual({
    jsonrpc: '2.0',
    id: '1',
    error: { code: -7, message: 'no', data: [1] },
  });
});

test('refuses an id that is in flight, and takes it again when it is free', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(call('x\u00e9"'));
  const first = await channels.router.nth('tools/call');
  const escaped = JSON.stringify(call('?')).replace('"?"', '"\\u0078\u00e9\\""');
  expect(await channel.ask(escaped)).toMatchObject({ id: 'xé"', error: { code: -32600 } });
  first.sink.onResult(json({ n: 1 }));
  expect(await channel.next()).toMatchObject({ id: 'xé"', result: { n: 1 } });
  channel.write(escaped);
  await channels.router.nth('tools/call', 1);
});

test('cancels by notification, and never answers what was cancelled', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(call(1));
  channel.write(call(2));
  const cancelled = await channels.router.nth('tools/call');
  const other = await channels.router.nth('tools/call', 1);
  channel.write(notification('notifications/cancelled', { requestId: '1' }));
  channel.write(notification('notifications/cancelled', { requestId: 99 }));
  channel.write(notification('notifications/cancelled'));
  expect([cancelled.cancelled, other.cancelled]).toEqual([undefined, undefined]);
  channel.write(notification('notifications/cancelled', { requestId: 1, reason: 'changed my mind' }));
  expect([cancelled.cancelled, other.cancelled]).toEqual(['client', undefined]);
  cancelled.sink.onResult(json({ late: true }));
  other.sink.onResult(json({ n: 2 }));
  expect(await channel.next()).toMatchObject({ id: 2 });
  expect(channel.received).toHaveLength(1);
});

test('cancels everything when the client is gone, and writes nothing more', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(call(1));
  channel.write(modern(2, 'subscriptions/listen', { notifications: {} }).message);
  const listen = await channels.router.nth('subscriptions/listen');
  channel.conversation?.closed();
  expect(channels.router.calls.map(({ cancelled }) => cancelled)).toEqual(['client', 'client']);
  listen.sink.onMessage(json(notification('notifications/tools/list_changed')));
  channel.write(call(3));
  expect(channel.received).toEqual([]);
  expect(channels.router.calls).toHaveLength(2);
  expect(channels.conversations.size).toBe(0);
});

test('a listen has no deadline, and its end by the router is told in both ways', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(modern('l', 'subscriptions/listen', { notifications: {} }).message);
  const { request, sink } = await channels.router.nth('subscriptions/listen');
  expect(request.timeoutMs).toBe(0);
  sink.onResult(json({ resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' } }));
  expect(await channel.next()).toMatchObject({ id: 'l', result: { resultType: 'complete' } });
  expect(await channel.next()).toEqual(notification('notifications/cancelled', { requestId: 'l' }));
});

test('a client that cancels a listen hears nothing more of it', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(modern('l', 'subscriptions/listen', { notifications: {} }).message);
  const listen = await channels.router.nth('subscriptions/listen');
  channel.write(notification('notifications/cancelled', { requestId: 'l' }));
  expect(listen.cancelled).toBe('client');
  listen.sink.onMessage(json(notification('notifications/tools/list_changed')));
  expect(await channel.ask({ jsonrpc: '2.0', id: 2, method: 'ping' })).toMatchObject({ id: 2 });
});

test.each([
  [
    'an unsupported version',
    { 'io.modelcontextprotocol/protocolVersion': '2030-01-01' },
    'tools/list',
    -32022,
  ],
  [
    'a legacy version as a claim',
    { 'io.modelcontextprotocol/protocolVersion': '2025-11-25' },
    'tools/list',
    -32022,
  ],
  ['no capabilities', { 'io.modelcontextprotocol/clientCapabilities': undefined }, 'tools/list', -32602],
  ['initialize', {}, 'initialize', -32601],
  ['ping', {}, 'ping', -32601],
  ['a method of the bridge’s own', {}, 'session/end', -32601],
])('refuses a modern request with %s', async (_what, meta, method, code) => {
  const channels = startTestChannels();
  const channel = channels.connect();
  expect(await channel.ask(modern(5, method, {}, meta).message)).toMatchObject({ id: 5, error: { code } });
  expect(channels.router.calls).toEqual([]);
});

test('refuses a request that claims no version before initialize, ping excepted', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  const refused = await channel.ask({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  expect(refused).toMatchObject({ id: 1, error: { code: -32602 } });
  expect(await channel.ask({ jsonrpc: '2.0', id: 2, method: 'ping' })).toEqual({
    jsonrpc: '2.0',
    id: 2,
    result: {},
  });
});

test('ignores responses and unknown notifications of a client without a session', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write({ jsonrpc: '2.0', id: 1, result: {} });
  channel.write({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } });
  channel.write(notification('notifications/roots/list_changed'));
  channel.write({ jsonrpc: '2.0', id: 2, method: 'ping' });
  expect(await channel.next()).toMatchObject({ id: 2 });
  expect(channels.router.inputs).toEqual([]);
});

test.each([
  ['no JSON', Buffer.from('{"jsonrpc":"2.0","id":1'), -32700, undefined],
  ['nothing', Buffer.alloc(0), -32700, undefined],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), -32700, undefined],
  ['no JSON-RPC', Buffer.from('{"id":7,"method":"ping"}'), -32600, 7],
  ['a null id', Buffer.from('{"jsonrpc":"2.0","id":null,"method":"ping"}'), -32600, undefined],
  ['an id twice', Buffer.from('{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}'), -32600, 7],
  ['params that are no object', Buffer.from('{"jsonrpc":"2.0","id":7,"method":"x","params":[]}'), -32600, 7],
  ['an empty batch', Buffer.from('[]'), -32600, undefined],
  [
    'too many bytes',
    Buffer.from(`{"jsonrpc":"2.0","id":7,"method":"${'x'.repeat(5000)}"}`),
    -32600,
    undefined,
  ],
])('answers %s with an error and goes on', async (_what, bytes, code, id) => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.writeBytes(bytes);
  const reply = await channel.next();
  expect(reply.error?.code).toBe(code);
  expect(reply.id).toBe(id);
  expect(await channel.ask({ jsonrpc: '2.0', id: 1, method: 'ping' })).toMatchObject({ id: 1, result: {} });
});

test('bounds the requests in flight', async () => {
  const channels = startTestChannels({ maxInFlight: 2 });
  const channel = channels.connect();
  for (const id of [1, 2, 3]) channel.write(call(id));
  expect(await channel.next()).toMatchObject({
    id: 3,
    error: { code: -31003, data: { retryAfterMs: 1000 } },
  });
  const first = await channels.router.nth('tools/call');
  first.sink.onResult(json({}));
  await channel.next();
  channel.write(call(4));
  expect((await channels.router.nth('tools/call', 2)).request.clientRequestId).toBe('4');
});

test('ends with a client that reads too slowly, and cancels its calls', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(call(1));
  channel.write(call(2));
  const [first, second] = [
    await channels.router.nth('tools/call'),
    await channels.router.nth('tools/call', 1),
  ];
  channel.takesMore = false;
  first.sink.onMessage(json(notification('notifications/message', { level: 'info', data: 1 })));
  expect(await channel.untilClosed()).toBe('slow');
  expect([first.cancelled, second.cancelled]).toEqual(['client', 'client']);
});

test('drains: ends listens, refuses new requests, waits for the last reply', async () => {
  const channels = startTestChannels();
  const [busy, idle] = [channels.connect(), channels.connect()];
  busy.write(call(1));
  busy.write(modern('l', 'subscriptions/listen', { notifications: {} }).message);
  const inFlight = await channels.router.nth('tools/call');
  const listen = await channels.router.nth('subscriptions/listen');
  const drained = channels.conversations.drain(60_000);
  expect(idle.closed).toBe('draining');
  expect(listen.cancelled).toBe('client');
  expect(await busy.next()).toEqual({
    jsonrpc: '2.0',
    id: 'l',
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' } },
  });
  expect(await busy.next()).toEqual(notification('notifications/cancelled', { requestId: 'l' }));
  expect(await busy.ask(call(2))).toMatchObject({ id: 2, error: { code: -31006 } });
  expect(busy.closed).toBeUndefined();
  inFlight.sink.onResult(json({ n: 1 }));
  expect(await busy.next()).toMatchObject({ id: 1, result: { n: 1 } });
  expect(busy.closed).toBe('draining');
  await drained;
});

test('drains no longer than it was told', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(call(1));
  const inFlight = await channels.router.nth('tools/call');
  await channels.conversations.drain(1);
  expect(channel.closed).toBe('draining');
  expect(inFlight.cancelled).toBe('client');
});

test('counts connections, messages, bytes and requests', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  await channel.ask({ jsonrpc: '2.0', id: 2, method: 'ping' });
  const text = await channels.metrics.expose();
  for (const line of [
    'mcp_connections{transport="tcp"} 1',
    'mcp_messages_total{transport="tcp",direction="in"} 1',
    'mcp_messages_total{transport="tcp",direction="out"} 1',
    'mcp_bytes_total{transport="tcp",direction="in"} 40',
    'mcp_requests_total{transport="tcp",method="ping",outcome="ok"} 1',
  ]) {
    expect(text).toContain(line);
  }
  channel.conversation?.closed();
  expect(await channels.metrics.expose()).toContain('mcp_connections{transport="tcp"} 0');
});
