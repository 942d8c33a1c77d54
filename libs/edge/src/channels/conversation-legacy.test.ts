import { BridgeError } from '@mcp-bridge/protocol';
import { expect, test } from 'vitest';
import { modern } from '../test-client.js';
import { json } from '../test-gateway.js';
import { initialized, initializeRequest, legacy, notification, startTestChannels } from './test-channel.js';

test('initialize begins a session that its requests carry and that ends with the channel', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  expect(await channel.ask(initializeRequest(0))).toMatchObject({
    id: 0,
    result: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'test-router' },
      instructions: 'Be kind.',
    },
  });
  expect(channels.router.callsOf('session/stream')).toEqual([]);
  channel.write(notification('notifications/initialized'));
  const stream = await channels.router.nth('session/stream');
  channel.write(legacy(1, 'tools/call', { name: 'echo' }));
  const { request, sink } = await channels.router.nth('tools/call');
  expect(request).toMatchObject({
    protocolVersion: '2025-11-25',
    capabilities: '{"sampling":{}}',
    clientInfo: '{"name":"test","version":"1"}',
    replayStream: '',
  });
  expect(request.session).not.toBe('');
  expect(stream.request).toMatchObject({ session: request.session, timeoutMs: 0, view: 'tools' });
  expect(channels.router.inputs.map(({ session }) => session)).toEqual([request.session]);
  sink.onResult(json({ content: [] }));
  expect(await channel.next()).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });

  channel.write(legacy(2, 'tools/call', { name: 'slow' }));
  const slow = await channels.router.nth('tools/call', 1);
  channel.conversation?.closed();
  expect([slow.cancelled, stream.cancelled]).toEqual(['client', 'client']);
  expect((await channels.router.nth('session/end')).request.session).toBe(request.session);
});

test('an unused session is not ended at the router, which never heard of it', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  await channel.ask(initializeRequest(0));
  channel.conversation?.closed();
  expect(channels.router.calls.map(({ request }) => request.method)).toEqual(['server/discover']);
});

test('carries questions to the client and its answers back', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  channel.write(legacy(1, 'tools/call', { name: 'asks' }));
  const { sink, request } = await channels.router.nth('tools/call');
  sink.onMessage(json(legacy('bridge-1', 'sampling/createMessage', { messages: [] })));
  expect(await channel.next()).toMatchObject({ id: 'bridge-1', method: 'sampling/createMessage' });
  channel.write({ jsonrpc: '2.0', id: 'bridge-1', result: { model: 'm' } });
  const answer = await channels.router.until(() => channels.router.inputs[1]);
  expect(answer).toMatchObject({ session: request.session, view: 'tools' });
  expect(JSON.parse(answer.message.toString())).toMatchObject({ id: 'bridge-1', result: { model: 'm' } });
});

test('delivers what belongs to no request, and opens the stream again when it breaks', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  const changed = notification('notifications/tools/list_changed');
  const first = await channels.router.nth('session/stream');
  first.sink.onMessage(json(changed));
  expect(await channel.next()).toEqual(changed);
  first.sink.onError(new BridgeError('OUTCOME_UNKNOWN', 'the router is gone'));
  const second = await channels.router.nth('session/stream', 1);
  second.sink.onMessage(json(changed));
  expect(await channel.next()).toEqual(changed);
  expect(channel.closed).toBeUndefined();
});

test('closes the channel when the router knows the session no more', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  channel.write(legacy(1, 'tools/list'));
  const { sink } = await channels.router.nth('tools/list');
  sink.onError(new BridgeError('SESSION_NOT_FOUND', 'Session not found'));
  expect(await channel.next()).toMatchObject({ id: 1, error: { code: -32600 } });
  expect(channel.closed).toBe('session-ended');
});

test('cancels a call, and answers it no more', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  channel.write(legacy(1, 'tools/call', { name: 'slow' }));
  const { sink } = await channels.router.nth('tools/call');
  channel.write(notification('notifications/cancelled', { requestId: 1 }));
  sink.onResult(json({}));
  expect(channels.router.callsOf('tools/call')[0]?.cancelled).toBe('client');
  expect(await channel.ask(legacy(2, 'ping'))).toMatchObject({ id: 2 });
});

test('messages that come while the session begins wait for it', async () => {
  const channels = startTestChannels();
  channels.router.on('server/discover', () => undefined);
  const channel = channels.connect();
  channel.write(initializeRequest(0));
  channel.write(notification('notifications/initialized'));
  channel.write(legacy(1, 'tools/list'));
  channel.write(legacy(2, 'tools/list'));
  channel.write(notification('notifications/cancelled', { requestId: 1 }));
  channel.write(legacy(3, 'ping'));
  expect(await channel.next()).toMatchObject({ id: 3 });
  expect(await channel.ask(initializeRequest(4))).toMatchObject({ id: 4, error: { code: -32600 } });
  expect(channels.router.callsOf('tools/list')).toEqual([]);
  channel.write(notification('notifications/cancelled', { requestId: 0 }));
  const discover = await channels.router.nth('server/discover');
  discover.sink.onResult(json({ capabilities: {}, ttlMs: 0 }));
  expect(await channel.next()).toMatchObject({ id: 0, result: { protocolVersion: '2025-11-25' } });
  await channels.router.nth('tools/list', 1);
  const lists = channels.router.callsOf('tools/list');
  expect(lists.map(({ request, cancelled }) => [request.clientRequestId, cancelled])).toEqual([
    ['1', 'client'],
    ['2', undefined],
  ]);
});

test('what may wait for a session is bounded', async () => {
  const channels = startTestChannels({ maxInFlight: 2 });
  channels.router.on('server/discover', () => undefined);
  const channel = channels.connect();
  channel.write(initializeRequest(0));
  for (const id of [1, 2, 3]) channel.write(legacy(id, 'tools/list'));
  expect(await channel.next()).toMatchObject({ id: 3, error: { code: -31003 } });
});

test('a failed initialize refuses what waited, and may be tried again', async () => {
  const channels = startTestChannels();
  channels.router.on('server/discover', ({ sink }) =>
    sink.onError(new BridgeError('METHOD_NOT_FOUND', 'No view')),
  );
  const channel = channels.connect();
  channel.write(initializeRequest(0));
  channel.write(legacy(1, 'tools/list'));
  expect(await channel.next()).toMatchObject({ id: 0, error: { code: -32601, message: 'No view' } });
  expect(await channel.next()).toMatchObject({ id: 1, error: { code: -32602 } });
  channels.router.on('server/discover', ({ sink }) => sink.onResult(json({ capabilities: {}, ttlMs: 0 })));
  expect(await channel.ask(initializeRequest(0))).toMatchObject({ id: 0, result: {} });
});

test('refuses a second session, methods of the other era, and a malformed initialize', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  expect(await channel.ask(initializeRequest(1))).toMatchObject({ id: 1, error: { code: -32600 } });
  const discover = legacy(2, 'server/discover');
  expect(await channel.ask(discover)).toMatchObject({ id: 2, error: { code: -32601 } });
  const malformed = legacy(3, 'initialize', { protocolVersion: 1 });
  expect(await channels.connect().ask(malformed)).toMatchObject({ id: 3, error: { code: -32602 } });
});

test('both eras share a channel, message by message', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  channel.write(modern(1, 'tools/list').message);
  channel.write(legacy(2, 'tools/list'));
  await channels.router.nth('tools/list', 1);
  const [first, second] = channels.router.callsOf('tools/list').map(({ request }) => request);
  expect([first?.protocolVersion, second?.protocolVersion]).toEqual(['2026-07-28', '2025-11-25']);
  expect(first?.session).toBe('');
  expect(second?.session).not.toBe('');
});

test('swallows the signal to close a stream for polling', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels);
  channel.write(legacy(1, 'tools/call', { name: 'x' }));
  const { sink } = await channels.router.nth('tools/call');
  sink.onMessage(json(notification('notifications/bridge/close_stream', { retryMs: 5 })));
  sink.onResult(json({}));
  expect(await channel.next()).toMatchObject({ id: 1 });
});

test('a 2025-03-26 session may send batches and gets one array of replies', async () => {
  const channels = startTestChannels();
  const channel = await initialized(channels, '2025-03-26');
  channel.write([
    legacy(1, 'tools/list'),
    legacy(2, 'ping'),
    notification('notifications/roots/list_changed'),
    legacy(3, 'server/discover'),
    legacy(4, 'tools/call', { name: 'slow' }),
    legacy(5, 'tools/call', { name: 'slow' }),
  ]);
  const slow = await channels.router.nth('tools/call');
  const last = await channels.router.nth('tools/call', 1);
  slow.sink.onMessage(json(notification('notifications/message', { level: 'info', data: 1 })));
  expect(await channel.next()).toMatchObject({ method: 'notifications/message' });
  channel.write(notification('notifications/cancelled', { requestId: 5 }));
  expect(last.cancelled).toBe('client');
  slow.sink.onResult(json({ n: 4 }));
  (await channels.router.nth('tools/list')).sink.onResult(json({ tools: [] }));
  expect(await channel.next()).toEqual([
    { jsonrpc: '2.0', id: 2, result: {} },
    { jsonrpc: '2.0', id: 3, error: { code: -32601, message: 'Method not found: server/discover' } },
    { jsonrpc: '2.0', id: 4, result: { n: 4 } },
    { jsonrpc: '2.0', id: 1, result: { tools: [] } },
  ]);
  expect(channels.router.inputs).toHaveLength(2);
});

test('writes the replies of a batch before they grow too large', async () => {
  const channels = startTestChannels({ maxBufferedBytes: 100 });
  const channel = await initialized(channels, '2025-03-26');
  channel.write([legacy(1, 'tools/list'), legacy(2, 'tools/list')]);
  const second = await channels.router.nth('tools/list', 1);
  channels.router.callsOf('tools/list')[0]?.sink.onResult(json({ text: 'x'.repeat(100) }));
  expect(await channel.next()).toMatchObject([{ id: 1 }]);
  second.sink.onResult(json({}));
  expect(await channel.next()).toMatchObject([{ id: 2 }]);
});

test.each([
  ['in a session of another version', '2025-06-18', [legacy(1, 'ping')], -32600],
  ['with initialize in it', '2025-03-26', [initializeRequest(1)], -32600],
  ['with a modern request in it', '2025-03-26', [modern(1, 'tools/list').message], -32600],
])('refuses a batch %s', async (_what, version, batch, code) => {
  const channels = startTestChannels();
  const channel = await initialized(channels, version);
  const reply = await channel.ask(batch);
  expect([reply.id, reply.error?.code]).toEqual([undefined, code]);
});

test('answers what was accepted when the client ends its side, and then closes', async () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.write(initializeRequest(0));
  channel.write(legacy(1, 'server/discover'));
  channel.write(legacy(2, 'tools/list'));
  channel.conversation?.inputEnded();
  expect(await channel.next()).toMatchObject({ id: 0, result: {} });
  expect(await channel.next()).toMatchObject({ id: 1, error: { code: -32601 } });
  (await channels.router.nth('tools/list')).sink.onResult(json({ tools: [] }));
  expect(await channel.next()).toMatchObject({ id: 2, result: {} });
  expect(channel.closed).toBe('draining');
});

test('closes at once when the client ends its side and waits for nothing', () => {
  const channels = startTestChannels();
  const channel = channels.connect();
  channel.conversation?.inputEnded();
  expect(channel.closed).toBe('draining');
});
