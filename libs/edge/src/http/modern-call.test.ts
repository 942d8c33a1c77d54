import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventStream, modern, openEvents, post, postForEvents } from '../test-client.js';
import { json, startTestGateway, type TestGateway } from '../test-gateway.js';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway.close());

const META = 'io.modelcontextprotocol/';
const call = (id: number | string = 1, meta = {}) =>
  modern(id, 'tools/call', { name: 'x', arguments: { a: 1 } }, meta);
const note = (text: string) =>
  json({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: 1, progress: 1, message: text },
  });

describe('modern requests', () => {
  it('become one call frame with what the request itself says', async () => {
    gateway.router.on('tools/call', (one) =>
      one.sink.onResult(json({ content: [], resultType: 'complete' })),
    );
    const { message, headers } = call('id-1', {
      [`${META}clientCapabilities`]: { elicitation: {} },
      [`${META}clientInfo`]: { name: 'c', version: '1' },
      [`${META}logLevel`]: 'debug',
      progressToken: 'tok',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
    });
    const response = await post(gateway.url, message, {
      ...headers,
      'mcp-param-region': 'us',
      'Mcp-Param-Note': '=?base64?w6k=?=',
      'mcp-session-id': 'ignored',
      'last-event-id': 'ignored',
    });
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/json');
    expect(response.headers['mcp-session-id']).toBeUndefined();
    expect(response.json).toEqual({
      jsonrpc: '2.0',
      id: 'id-1',
      result: { content: [], resultType: 'complete' },
    });
    const { request } = await gateway.router.nth('tools/call');
    expect(request).toMatchObject({
      principal: { tenant: 'test', id: 'anonymous' },
      view: '',
      method: 'tools/call',
      name: 'x',
      clientRequestId: '"id-1"',
      protocolVersion: '2026-07-28',
      capabilities: '{"elicitation":{}}',
      clientInfo: '{"name":"c","version":"1"}',
      session: '',
      logLevel: 'debug',
      timeoutMs: 60_000,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
      replayStream: '',
    });
    expect(JSON.parse(request.paramHeaders)).toEqual({
      'mcp-param-region': 'us',
      'mcp-param-note': '=?base64?w6k=?=',
    });
    const { spans, params } = request;
    const at = (start: number, end: number) => params.toString('utf8', start, end);
    expect(at(spans.nameStart, spans.nameEnd)).toBe('"x"');
    expect(at(spans.progressTokenStart, spans.progressTokenEnd)).toBe('"tok"');
    expect(JSON.parse(at(spans.metaStart, spans.metaEnd))).toMatchObject({ progressToken: 'tok' });
    expect(JSON.parse(params.toString())).toMatchObject({ name: 'x', arguments: { a: 1 } });
  });

  it('echo ids as they were sent', async () => {
    gateway.router.on('tools/call', (one) => one.sink.onResult(json({})));
    for (const raw of ['7', '"7"', '-3', '"\\u0061"', '9007199254740993']) {
      const { message, headers } = call(1);
      const body = JSON.stringify(message).replace('"id":1', `"id":${raw}`);
      expect((await post(gateway.url, body, headers)).text).toContain(`"id":${raw},`);
    }
  });

  it('get an event stream when a message comes before the result', async () => {
    gateway.router.on('tools/call', (one) => {
      one.sink.onMessage(note('half'));
      one.sink.onMessage(Buffer.from('{\n "jsonrpc": "2.0",\r\n "method": "notifications/message"\n}'));
      one.sink.onResult(json({ content: [] }));
    });
    const { message, headers } = call();
    const stream = await postForEvents(gateway.url, message, headers);
    expect(stream.status).toBe(200);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.headers['x-accel-buffering']).toBe('no');
    expect(stream.headers['cache-control']).toContain('no-cache');
    const events = await stream.rest();
    expect(events.map((event) => event.id)).toEqual([undefined, undefined, undefined]);
    expect(events.map((event) => event.event)).toEqual(['message', 'message', 'message']);
    expect(JSON.parse(events[1]!.data)).toEqual({ jsonrpc: '2.0', method: 'notifications/message' });
    expect(JSON.parse(events[2]!.data)).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
  });

  it('get a stream with comments when nothing comes for long', async () => {
    const quick = await startTestGateway({ config: { keepAlive: 60 } });
    const { message, headers } = call();
    const opening = postForEvents(quick.url, message, headers);
    const { sink } = await quick.router.nth('tools/call');
    const stream = await opening;
    await stream.untilComments(3);
    sink.onResult(json({ late: true }));
    expect((await stream.nextMessage()).result).toEqual({ late: true });
    expect(await stream.next()).toBeUndefined();
    await quick.close();
  });

  it('are cancelled when the client goes away, before and during a stream', async () => {
    const { message, headers } = call();
    const waiting = await openSilently(message, headers);
    const first = await gateway.router.nth('tools/call');
    waiting.destroy();
    await gateway.router.until(() => first.cancelled === 'client');

    const opening = postForEvents(gateway.url, message, headers);
    const second = await gateway.router.nth('tools/call', 1);
    second.sink.onMessage(note('one'));
    const stream: EventStream = await opening;
    await stream.next();
    stream.close();
    await gateway.router.until(() => second.cancelled === 'client');
  });

  it('may be subscriptions without an end, which close gracefully', async () => {
    const { message, headers } = modern('sub', 'subscriptions/listen', {
      notifications: { toolsListChanged: true },
    });
    const opening = postForEvents(gateway.url, message, headers);
    const { sink, request } = await gateway.router.nth('subscriptions/listen');
    expect(request.timeoutMs).toBe(0);
    sink.onMessage(json({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged' }));
    const stream = await opening;
    expect((await stream.nextMessage()).method).toBe('notifications/subscriptions/acknowledged');
    sink.onError(new BridgeError('DRAINING', 'The router leaves'));
    expect(await stream.nextMessage()).toEqual({
      jsonrpc: '2.0',
      id: 'sub',
      result: { resultType: 'complete', _meta: { [`${META}subscriptionId`]: 'sub' } },
    });
    expect(await stream.next()).toBeUndefined();
  });

  it('are answered 202 and go nowhere when they are notifications', async () => {
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    const response = await post(gateway.url, message, { 'mcp-protocol-version': '2026-07-28' });
    expect([response.status, response.text]).toEqual([202, '']);
    expect(gateway.router.inputs).toEqual([]);
  });
});

/** Sends a request without waiting for a reply. */
async function openSilently(message: unknown, headers: Record<string, string>): Promise<{ destroy(): void }> {
  const controller = new AbortController();
  const all = { 'content-type': 'application/json', ...headers };
  fetch(gateway.url, {
    method: 'POST',
    headers: all,
    body: JSON.stringify(message),
    signal: controller.signal,
  }).catch(() => undefined);
  await gateway.router.nth('tools/call');
  return { destroy: () => controller.abort() };
}

describe('modern refusals', () => {
  const expectRefusal = async (
    change: (request: {
      message: Record<string, unknown>;
      headers: Record<string, string | undefined>;
    }) => void,
    status: number,
    code: number,
  ) => {
    const request = call(42) as {
      message: Record<string, unknown>;
      headers: Record<string, string | undefined>;
    };
    change(request);
    const response = await post(gateway.url, request.message, request.headers);
    expect([response.status, response.json.error?.code, response.json.id]).toEqual([status, code, 42]);
    expect(gateway.router.calls).toEqual([]);
    return response;
  };
  const meta = (message: Record<string, unknown>) =>
    (message['params'] as { _meta: Record<string, unknown> })._meta;

  it('400 -32020 when a mirrored header is missing or differs', async () => {
    const changes: Record<string, string | undefined>[] = [
      { 'mcp-protocol-version': undefined },
      { 'mcp-protocol-version': '2025-11-25' },
      { 'mcp-protocol-version': 'v999' },
      { 'mcp-method': undefined },
      { 'mcp-method': 'tools/list' },
      { 'mcp-method': 'Tools/Call' },
      { 'mcp-name': undefined },
      { 'mcp-name': 'y' },
      { 'mcp-name': 'X' },
      { 'mcp-name': '' },
      { 'mcp-name': '=?base64?eA=?=' },
      { 'mcp-name': '=?base64?!!!!?=' },
      { 'mcp-name': '=?base64?eQ==?=' },
      { 'mcp-name': '=?BASE64?eA==?=' },
    ];
    for (const headers of changes) {
      await expectRefusal((request) => Object.assign(request.headers, headers), 400, -32020);
    }
  });

  it('none of an encoded name that is right, with blanks around', async () => {
    gateway.router.on('tools/call', (one) => one.sink.onResult(json({})));
    const { message, headers } = modern(1, 'tools/call', { name: 'größe' });
    const encoded = `=?base64?${Buffer.from('größe').toString('base64')}?=`;
    expect((await post(gateway.url, message, { ...headers, 'mcp-name': `  ${encoded} ` })).status).toBe(200);
    const { message: plain, headers: plainHeaders } = modern(1, 'tools/call', { name: 'x y' });
    expect((await post(gateway.url, plain, plainHeaders)).status).toBe(200);
  });

  it('400 -32022 with what is supported', async () => {
    const response = await expectRefusal(
      ({ message, headers }) => {
        meta(message)[`${META}protocolVersion`] = 'v999';
        headers['mcp-protocol-version'] = 'v999';
      },
      400,
      -32022,
    );
    expect(response.json.error?.data?.['requested']).toBe('v999');
    expect(response.json.error?.data?.['supported']).toContain('2026-07-28');
  });

  it('400 -32602 when _meta lacks the version or the capabilities', async () => {
    await expectRefusal(({ message }) => delete meta(message)[`${META}clientCapabilities`], 400, -32602);
    await expectRefusal(({ message }) => delete meta(message)[`${META}protocolVersion`], 400, -32602);
    await expectRefusal(
      ({ message }) => delete (message['params'] as { _meta?: unknown })._meta,
      400,
      -32602,
    );
    await expectRefusal(({ message }) => delete message['params'], 400, -32602);
  });

  it.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'session/stream',
    'session/end',
    'session/made-up',
  ])('404 -32601 for %s', async (method) => {
    const { message, headers } = modern(7, method);
    const response = await post(gateway.url, message, headers);
    expect([response.status, response.json.error?.code, response.json.id]).toEqual([404, -32601, 7]);
    expect(gateway.router.calls).toEqual([]);
  });

  it('leaves methods that nobody defines to the router', async () => {
    gateway.router.on('vendor/thing', (one) =>
      one.sink.onError(new BridgeError('METHOD_NOT_FOUND', 'Method not found')),
    );
    const { message, headers } = modern(7, 'vendor/thing');
    const response = await post(gateway.url, message, headers);
    expect([response.status, response.json.error?.code, response.json.id]).toEqual([404, -32601, 7]);
  });

  it('400 for responses and batches', async () => {
    const { message, headers } = call();
    const responses = [{ jsonrpc: '2.0', id: 1, result: {} }, [message]];
    for (const body of responses) {
      const response = await post(gateway.url, body, headers);
      expect([response.status, response.json.error?.code]).toEqual([400, -32600]);
    }
  });

  it('405 for GET and DELETE that ask for nothing legacy', async () => {
    const stream = await openEvents(gateway.url, { headers: { accept: 'application/json' } });
    expect(stream.status).toBe(405);
  });
});

describe('modern call errors', () => {
  it.each([
    ['UPSTREAM_UNAVAILABLE', undefined, 503, -31001],
    ['DEADLINE_EXCEEDED', undefined, 504, -31002],
    ['OVERLOADED', undefined, 503, -31003],
    ['OUTCOME_UNKNOWN', undefined, 502, -31005],
    ['DENIED', undefined, 403, -31007],
    ['INTERNAL', undefined, 500, -32603],
    ['INVALID_PARAMS', undefined, 200, -32602],
    ['MISSING_CAPABILITY', undefined, 400, -32021],
    ['HEADER_MISMATCH', undefined, 400, -32020],
    ['METHOD_NOT_FOUND', undefined, 404, -32601],
    ['UPSTREAM_ERROR', -32000, 200, -32000],
    ['UPSTREAM_ERROR', -32601, 404, -32601],
    ['UPSTREAM_ERROR', -32021, 400, -32021],
  ] as const)('%s (%s) has status %i', async (code, rpcCode, status, wire) => {
    const error = new BridgeError(code, 'Why', {
      data: '{"a":1}',
      ...(rpcCode === undefined ? {} : { rpcCode }),
    });
    gateway.router.on('tools/call', (one) => one.sink.onError(error));
    const { message, headers } = call(5);
    const response = await post(gateway.url, message, headers);
    expect(response.status).toBe(status);
    expect(response.json).toEqual({
      jsonrpc: '2.0',
      id: 5,
      error: { code: wire, message: 'Why', data: { a: 1 } },
    });
  });

  it('end a stream that is open', async () => {
    gateway.router.on('tools/call', (one) => {
      one.sink.onMessage(note('one'));
      one.sink.onError(new BridgeError('OUTCOME_UNKNOWN', 'The router died'));
    });
    const { message, headers } = call(5);
    const stream = await postForEvents(gateway.url, message, headers);
    await stream.next();
    expect((await stream.nextMessage()).error?.code).toBe(-31005);
    expect(await stream.next()).toBeUndefined();
  });
});
