import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, type JsonReply, post, postForEvents } from '../test-client.js';
import { json, startTestGateway, type TestGateway } from '../test-gateway.js';

let gateway: TestGateway;
let headers: Record<string, string>;
beforeEach(async () => {
  gateway = await startTestGateway();
  ({ headers } = await initialize(gateway.url, '2025-03-26'));
  gateway.router.on('tools/call', (call) => call.sink.onResult(json({ called: call.request.name })));
});
afterEach(() => gateway.close());

const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: `t${id}` } });
const PING = { jsonrpc: '2.0', id: 'p', method: 'ping' };
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
const NOTE = json({ jsonrpc: '2.0', method: 'notifications/message', params: {} });
const byId = (text: string) =>
  Object.fromEntries(
    (JSON.parse(text) as JsonReply[]).map((reply) => [String(reply.id), reply.result ?? reply.error]),
  );

describe('batches on 2025-03-26 sessions', () => {
  it('are answered with an array, whatever their requests come to', async () => {
    gateway.router.on('tools/list', (one) =>
      one.sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'Down')),
    );
    const batch = [
      call(1),
      INITIALIZED,
      PING,
      { jsonrpc: '2.0', id: 5, method: 'tools/list' },
      { jsonrpc: '2.0', id: 6, method: 'session/end' },
      call(2),
    ];
    const response = await post(gateway.url, batch, headers);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/json');
    expect(byId(response.text)).toMatchObject({
      1: { called: 't1' },
      2: { called: 't2' },
      p: {},
      5: { code: -31001 },
      6: { code: -32601 },
    });
    expect(JSON.parse(response.text)).toHaveLength(5);
    expect(gateway.router.inputs.map((input) => JSON.parse(input.message.toString()) as unknown)).toEqual([
      INITIALIZED,
    ]);
  });

  it('of one request are still answered with an array', async () => {
    expect(byId((await post(gateway.url, [call(1)], headers)).text)).toEqual({ 1: { called: 't1' } });
  });

  it('without requests are answered 202', async () => {
    const response = await post(gateway.url, [INITIALIZED, { jsonrpc: '2.0', id: 'r', result: {} }], headers);
    expect([response.status, response.text]).toEqual([202, '']);
    expect(gateway.router.inputs).toHaveLength(2);
  });

  it('become a stream when a message comes before the last response', async () => {
    gateway.router.on('tools/call', (one) => {
      if (one.request.name === 't2') one.sink.onMessage(NOTE);
      one.sink.onResult(json({ called: one.request.name }));
    });
    const events = await (await postForEvents(gateway.url, [call(1), call(2), call(3)], headers)).rest();
    const messages = events.map((event) => JSON.parse(event.data) as JsonReply & { method?: string });
    expect(messages.map((message) => message.id ?? message.method)).toEqual([
      1,
      'notifications/message',
      2,
      3,
    ]);
    expect(events.every((event) => event.id === undefined)).toBe(true);
  });

  it('become a stream when a request stays unanswered', async () => {
    gateway.router.on('tools/list', () => undefined);
    const opening = postForEvents(
      gateway.url,
      [call(1), { jsonrpc: '2.0', id: 9, method: 'tools/list' }],
      headers,
    );
    const slow = await gateway.router.nth('tools/list');
    const stream = await opening;
    expect((await stream.nextMessage()).id).toBe(1);
    slow.sink.onResult(json({ tools: [] }));
    expect((await stream.nextMessage()).id).toBe(9);
    expect(await stream.next()).toBeUndefined();
  });

  it('are refused whole when a part is no message, and call nobody', async () => {
    for (const batch of [
      [],
      [call(1), 1],
      [[call(1)]],
      [call(1), { jsonrpc: '2.0', id: 2 }],
      Array.from({ length: 101 }, (_, id) => call(id)),
    ]) {
      const response = await post(gateway.url, batch, headers);
      expect([response.status, response.json.error?.code]).toEqual([400, -32600]);
    }
    expect(gateway.router.callsOf('tools/call')).toEqual([]);
  });

  it('may hold neither initialize nor a modern request', async () => {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    for (const bad of [
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} },
      { ...call(3), params: { name: 'x', _meta } },
    ]) {
      const response = await post(gateway.url, [call(2), bad], headers);
      expect([response.status, response.json.error?.code]).toEqual([400, -32600]);
    }
    expect(gateway.router.callsOf('tools/call')).toEqual([]);
  });
});

describe('batches elsewhere', () => {
  it.each(['2025-06-18', '2025-11-25'])('are refused on %s', async (version) => {
    const later = await initialize(gateway.url, version);
    const response = await post(gateway.url, [call(1)], later.headers);
    expect([response.status, response.json.error?.code]).toEqual([400, -32600]);
    expect(gateway.router.callsOf('tools/call')).toEqual([]);
  });

  it('are refused without a session', async () => {
    expect((await post(gateway.url, [call(1)])).status).toBe(400);
  });
});
