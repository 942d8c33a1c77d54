import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, post, postForEvents } from '../test-client.js';
import { json, startTestGateway, type TestGateway } from '../test-gateway.js';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway.close());

const CALL = { jsonrpc: '2.0', id: 'c1', method: 'tools/call', params: { name: 'x', arguments: {} } };
const NOTE = json({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 1, progress: 1 },
});
const ASK = json({ jsonrpc: '2.0', id: 'router-1', method: 'sampling/createMessage', params: {} });
const closeStream = (retryMs: number) =>
  json({ jsonrpc: '2.0', method: 'notifications/bridge/close_stream', params: { retryMs } });

describe('legacy requests', () => {
  it('become one call frame with what the session says', async () => {
    gateway.router.on('tools/call', (one) => one.sink.onResult(json({ content: [] })));
    const { headers } = await initialize(gateway.url);
    const response = await post(gateway.url, CALL, headers);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/json');
    expect(response.json).toEqual({ jsonrpc: '2.0', id: 'c1', result: { content: [] } });
    const { request } = await gateway.router.nth('tools/call');
    expect(request).toMatchObject({
      principal: { tenant: 'test', id: 'anonymous' },
      view: '',
      name: 'x',
      clientRequestId: '"c1"',
      protocolVersion: '2025-11-25',
      capabilities: '{"sampling":{}}',
      clientInfo: '{"name":"test","version":"1"}',
      timeoutMs: 60_000,
    });
    expect(request.session).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(request.replayStream).toMatch(/^p[0-9a-z]+$/);
  });

  it('of one session carry the same session id and streams of their own', async () => {
    gateway.router.on('tools/call', (one) => one.sink.onResult(json({})));
    const { headers } = await initialize(gateway.url);
    const other = await initialize(gateway.url);
    for (const one of [headers, headers, other.headers]) await post(gateway.url, CALL, one);
    const requests = gateway.router.callsOf('tools/call').map((call) => call.request);
    expect(new Set(requests.map((request) => request.session)).size).toBe(2);
    expect(requests[0]!.session).toBe(requests[1]!.session);
    expect(new Set(requests.map((request) => request.replayStream)).size).toBe(3);
  });

  it('are primed, numbered and ended as a stream when a message comes first', async () => {
    gateway.router.on('tools/call', (one) => {
      one.sink.onMessage(NOTE);
      one.sink.onMessage(ASK);
      one.sink.onResult(json({ content: [] }));
    });
    const { headers } = await initialize(gateway.url);
    const events = await (await postForEvents(gateway.url, CALL, headers)).rest();
    const stream = (await gateway.router.nth('tools/call')).request.replayStream;
    expect(events.map((event) => event.id)).toEqual([0, 1, 2, 3].map((seq) => `${stream}-${seq}`));
    expect(events[0]!.data).toBe('');
    expect(JSON.parse(events[2]!.data)).toEqual(JSON.parse(ASK.toString()));
    expect(JSON.parse(events[3]!.data)).toEqual({ jsonrpc: '2.0', id: 'c1', result: { content: [] } });
  });

  it('get no priming event before 2025-11-25, whose clients would choke on it', async () => {
    gateway.router.on('tools/call', (one) => {
      one.sink.onMessage(NOTE);
      one.sink.onResult(json({}));
    });
    for (const version of ['2025-06-18', '2025-03-26']) {
      const { headers } = await initialize(gateway.url, version);
      const events = await (await postForEvents(gateway.url, CALL, headers)).rest();
      expect(events.map((event) => event.id?.split('-')[1])).toEqual(['1', '2']);
    }
  });

  it('that stay unanswered get a stream, so that they can be resumed', async () => {
    const { headers } = await initialize(gateway.url);
    const stream = await postForEvents(gateway.url, CALL, headers);
    const { sink, request } = await gateway.router.nth('tools/call');
    expect(await stream.next()).toMatchObject({ id: `${request.replayStream}-0`, data: '' });
    sink.onResult(json({ late: true }));
    expect(await stream.next()).toMatchObject({ id: `${request.replayStream}-1` });
    expect(await stream.next()).toBeUndefined();
  });

  it('go on when the client disconnects: that is no cancellation', async () => {
    const { headers } = await initialize(gateway.url);
    const stream = await postForEvents(gateway.url, CALL, headers);
    const call = await gateway.router.nth('tools/call');
    await stream.next();
    stream.close();
    // The next request comes after the close has been seen: both use the same event loop in order.
    gateway.router.on('tools/list', (one) => one.sink.onResult(json({ tools: [] })));
    await stream.rest();
    await post(gateway.url, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, headers);
    call.sink.onMessage(NOTE);
    call.sink.onResult(json({}));
    expect(call.cancelled).toBeUndefined();
  });

  it('are closed for polling where the router says so, with retry, and without cancelling', async () => {
    const { headers } = await initialize(gateway.url);
    const opening = postForEvents(gateway.url, CALL, headers);
    const call = await gateway.router.nth('tools/call');
    call.sink.onMessage(closeStream(750));
    const events = await (await opening).rest();
    expect(events).toEqual([
      { id: `${call.request.replayStream}-0`, event: undefined, data: '', retry: 1000 },
      { id: undefined, event: undefined, data: '', retry: 750 },
    ]);
    call.sink.onResult(json({}));
    expect(call.cancelled).toBeUndefined();
  });

  it('are not closed for polling where the client does not know it', async () => {
    const { headers } = await initialize(gateway.url, '2025-06-18');
    gateway.router.on('tools/call', (one) => {
      one.sink.onMessage(NOTE);
      one.sink.onMessage(closeStream(10));
      one.sink.onResult(json({}));
    });
    const events = await (await postForEvents(gateway.url, CALL, headers)).rest();
    expect(events.map((event) => event.id?.split('-')[1])).toEqual(['1', '2']);
    expect(events.join()).not.toContain('bridge');
  });

  it('get errors in the body with status 200, but for a session that the router does not know', async () => {
    const { headers } = await initialize(gateway.url);
    gateway.router.on('tools/call', (one) =>
      one.sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'Down')),
    );
    const down = await post(gateway.url, CALL, headers);
    expect([down.status, down.json]).toEqual([
      200,
      { jsonrpc: '2.0', id: 'c1', error: { code: -31001, message: 'Down' } },
    ]);
    gateway.router.on('tools/call', (one) => one.sink.onError(new BridgeError('SESSION_NOT_FOUND', 'Gone')));
    expect((await post(gateway.url, CALL, headers)).status).toBe(404);
    // Known here from now on, without asking the router.
    gateway.router.on('tools/call', (one) => one.sink.onResult(json({})));
    expect((await post(gateway.url, CALL, headers)).status).toBe(404);
  });

  it('end without a reply when the client has cancelled them', async () => {
    const { headers } = await initialize(gateway.url);
    gateway.router.on('tools/call', (one) => one.sink.onError(new BridgeError('CANCELLED', 'Cancelled')));
    const response = await post(gateway.url, CALL, headers);
    expect([response.status, response.text]).toEqual([202, '']);
  });

  it('of methods that the revision does not have are refused without a call', async () => {
    const { headers } = await initialize(gateway.url);
    for (const method of ['subscriptions/listen', 'server/discover', 'session/end', 'session/resume']) {
      const response = await post(gateway.url, { jsonrpc: '2.0', id: 3, method }, headers);
      expect([method, response.status, response.json.error?.code]).toEqual([method, 200, -32601]);
    }
    expect(gateway.router.calls.map((call) => call.request.method)).toEqual(['server/discover']);
  });
});

describe('legacy pings, notifications and responses', () => {
  it('answers ping without asking the router', async () => {
    const { headers } = await initialize(gateway.url);
    const response = await post(gateway.url, { jsonrpc: '2.0', id: 9, method: 'ping' }, headers);
    expect([response.status, response.json]).toEqual([200, { jsonrpc: '2.0', id: 9, result: {} }]);
  });

  it('hands notifications and responses to the router as they are, and answers 202 with nothing', async () => {
    const { headers } = await initialize(gateway.url);
    const messages = [
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c1"}}',
      '{"jsonrpc":"2.0","id":"router-1","result":{"role":"assistant" , "n":1.50}}',
      '{"jsonrpc":"2.0","id":"router-1","error":{"code":-1,"message":"no"}}',
    ];
    for (const message of messages) {
      const response = await post(gateway.url, ` ${message}\n`, headers);
      expect([response.status, response.text]).toEqual([202, '']);
    }
    expect(gateway.router.inputs.map((input) => input.message.toString())).toEqual(messages);
    expect(new Set(gateway.router.inputs.map((input) => input.session)).size).toBe(1);
    expect(gateway.router.inputs[0]).toMatchObject({
      principal: { tenant: 'test', id: 'anonymous' },
      view: '',
    });
  });
});
