import { createHash } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, expect, test } from 'vitest';
import { initializeRequest, legacy, notification } from '../../channels/test-channel.js';
import { type EventStream, openEvents, post, send, type TestResponse } from '../../test-client.js';
import { json, startTestGateway, type TestGateway, type TestGatewayOptions } from '../../test-gateway.js';

const started: TestGateway[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((gateway) => gateway.close()));
});

async function start(options: TestGatewayOptions = {}): Promise<TestGateway & { readonly base: string }> {
  const gateway = await startTestGateway(options);
  started.push(gateway);
  return { ...gateway, base: `http://127.0.0.1:${gateway.port}` };
}

/** A client of 2024-11-05 in its rawest form. */
class SseClient {
  readonly stream: EventStream;
  readonly endpoint: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(stream: EventStream, endpoint: string, headers: Readonly<Record<string, string>>) {
    this.stream = stream;
    this.endpoint = endpoint;
    this.#headers = headers;
  }

  static async connect(url: string, headers: Readonly<Record<string, string>> = {}): Promise<SseClient> {
    const stream = await openEvents(url, { headers: { accept: 'text/event-stream', ...headers } });
    expect(stream.status).toBe(200);
    const first = await stream.next();
    expect(first?.event).toBe('endpoint');
    return new SseClient(stream, new URL(first?.data ?? '', url).href, headers);
  }

  post(message: unknown): Promise<TestResponse> {
    return post(this.endpoint, message, this.#headers);
  }

  async tell(message: unknown): Promise<void> {
    const { status, text } = await this.post(message);
    expect([status, text]).toEqual([202, '']);
  }

  async ask(message: unknown): Promise<unknown> {
    await this.tell(message);
    return await this.stream.nextMessage();
  }

  async initialize(version = '2024-11-05'): Promise<this> {
    expect(await this.ask(initializeRequest('init', version))).toMatchObject({
      id: 'init',
      result: { protocolVersion: version },
    });
    await this.tell(notification('notifications/initialized'));
    return this;
  }
}

const CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
const tools = { jsonrpc: '2.0', id: 1, result: { tools: [] } };

test('names its endpoint first, and a session begins with initialize', async () => {
  const { base, router } = await start();
  const stream = await openEvents(`${base}/sse/files`, { headers: {} });
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  const first = await stream.next();
  expect(first).toMatchObject({ event: 'endpoint', id: undefined });
  expect(first?.data).toMatch(/^\/messages\/[\w-]{22}$/);
  const endpoint = `${base}${first?.data ?? ''}`;
  expect((await post(endpoint, initializeRequest(0, '2024-11-05'))).status).toBe(202);
  const event = await stream.next();
  expect(event).toMatchObject({ event: 'message', id: undefined });
  expect(JSON.parse(event?.data ?? '')).toMatchObject({
    id: 0,
    result: { protocolVersion: '2024-11-05', serverInfo: { name: 'test-router' } },
  });
  expect((await post(endpoint, legacy(1, 'tools/list'))).status).toBe(202);
  const { request, sink } = await router.nth('tools/list');
  expect(request).toMatchObject({ view: 'files', protocolVersion: '2024-11-05', replayStream: '' });
  expect(request.session).not.toBe('');
  sink.onResult(json({ tools: [] }));
  expect(await stream.nextMessage()).toEqual(tools);
  stream.close();
});

test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('negotiates %s', async (version) => {
  const { base, router } = await start();
  const client = await (await SseClient.connect(`${base}/sse`)).initialize(version);
  await client.tell(legacy(1, 'tools/list'));
  expect((await router.nth('tools/list')).request).toMatchObject({ view: '', protocolVersion: version });
  client.stream.close();
});

test('carries progress, questions, their answers and what belongs to no request', async () => {
  const { base, router } = await start();
  const client = await (await SseClient.connect(`${base}/sse`)).initialize();
  const unsolicited = await router.nth('session/stream');
  unsolicited.sink.onMessage(json(CHANGED));
  expect(await client.stream.nextMessage()).toEqual(CHANGED);
  await client.tell(legacy(1, 'tools/call', { name: 'ask', _meta: { progressToken: 7 } }));
  const call = await router.nth('tools/call');
  const progress = notification('notifications/progress', { progressToken: 7, progress: 1 });
  const question = legacy('q-1', 'sampling/createMessage', { messages: [], maxTokens: 1 });
  call.sink.onMessage(json(progress));
  call.sink.onMessage(json(question));
  expect(await client.stream.nextMessage()).toEqual(progress);
  expect(await client.stream.nextMessage()).toEqual(question);
  const answer = { jsonrpc: '2.0', id: 'q-1', result: { role: 'assistant' } };
  await client.tell(answer);
  const inputs = router.inputs.map(({ message }) => JSON.parse(message.toString()) as unknown);
  expect(inputs).toEqual([notification('notifications/initialized'), answer]);
  expect(new Set(router.inputs.map(({ session }) => session))).toEqual(new Set([call.request.session]));
  call.sink.onResult(json({ content: [] }));
  expect(await client.stream.nextMessage()).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
  client.stream.close();
});

test('answers ping itself, cancels by notification, and keeps line breaks out of the events', async () => {
  const { base, router } = await start();
  const client = await (await SseClient.connect(`${base}/sse`)).initialize();
  expect(await client.ask(legacy('p', 'ping'))).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
  await client.tell(legacy(1, 'tools/call', { name: 'slow' }));
  const call = await router.nth('tools/call');
  await client.tell(notification('notifications/cancelled', { requestId: 1 }));
  expect(call.cancelled).toBe('client');
  router.on('tools/list', ({ sink }) => sink.onResult(Buffer.from('{\n"tools":\r\n[]\n}')));
  expect(await client.ask(legacy(1, 'tools/list'))).toEqual(tools);
  client.stream.close();
});

test('takes batches where their revision has them', async () => {
  const { base } = await start();
  const batch = [legacy(1, 'ping'), legacy(2, 'ping')];
  const client = await (await SseClient.connect(`${base}/sse`)).initialize('2025-03-26');
  expect(await client.ask(batch)).toMatchObject([{ id: 1 }, { id: 2 }]);
  const newer = await (await SseClient.connect(`${base}/sse`)).initialize('2025-06-18');
  expect(await newer.ask(batch)).toMatchObject({ error: { code: -32600 } });
  client.stream.close();
  newer.stream.close();
});

test('the session ends with the stream, and what is in flight is cancelled', async () => {
  const { base, router, metrics } = await start();
  const client = await (await SseClient.connect(`${base}/sse`)).initialize();
  await client.tell(legacy(1, 'tools/call', { name: 'slow' }));
  const call = await router.nth('tools/call');
  const unsolicited = await router.nth('session/stream');
  expect(await metrics.expose()).toContain('mcp_connections{transport="sse"} 1');
  client.stream.close();
  const end = await router.nth('session/end');
  expect(end.request.session).toBe(call.request.session);
  expect([call.cancelled, unsolicited.cancelled]).toEqual(['client', 'client']);
  const exposed = await metrics.expose();
  expect(exposed).toContain('mcp_connections{transport="sse"} 0');
  expect(exposed).toContain('mcp_requests_total{transport="sse",method="tools/call",outcome="cancelled"} 1');
  // Not even looked at: nothing is kept of the stream.
  expect((await post(client.endpoint, 'text', { 'content-type': 'text/plain' })).status).toBe(404);
});

test('the stream ends when its router has ended the session', async () => {
  const { base, router } = await start();
  const client = await (await SseClient.connect(`${base}/sse`)).initialize();
  const { sink } = await router.nth('session/stream');
  sink.onError(new BridgeError('SESSION_NOT_FOUND', 'Gone'));
  expect(await client.stream.rest()).toEqual([]);
  expect((await client.post(legacy(2, 'ping'))).status).toBe(404);
});

test('tells streams apart that use the same ids', async () => {
  const { base, router } = await start();
  router.on('tools/call', ({ request, sink }) => sink.onResult(request.params));
  const names = Array.from({ length: 20 }, (_, n) => `tool-${n}`);
  const replies = names.map(async (name) => {
    const client = await (await SseClient.connect(`${base}/sse`)).initialize();
    const reply = await client.ask(legacy(1, 'tools/call', { name }));
    client.stream.close();
    return reply;
  });
  expect(await Promise.all(replies)).toEqual(
    names.map((name) => ({ jsonrpc: '2.0', id: 1, result: { name } })),
  );
});

test('a stream is nobody’s but of the principal that opened it', async () => {
  const key = (id: string) => ({
    id,
    sha256: createHash('sha256').update(`${id}-key`).digest('hex'),
    tenant: 'acme',
  });
  const { base, router } = await start({ auth: { keys: [key('ada'), key('bob')] } });
  const as = (id: string) => ({ authorization: `Bearer ${id}-key` });
  const ada = await (await SseClient.connect(`${base}/sse`, as('ada'))).initialize();
  const foreign = await post(ada.endpoint, legacy(1, 'tools/list'), as('bob'));
  const unknown = await post(`${base}/messages/${'x'.repeat(22)}`, legacy(1, 'tools/list'), as('bob'));
  expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
  for (const headers of [{}, as('eve')]) {
    const refused = await post(ada.endpoint, legacy(1, 'tools/list'), headers);
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
    expect((await send(`${base}/sse`, { headers })).status).toBe(401);
  }
  expect(router.callsOf('tools/list')).toEqual([]);
  expect(await ada.ask(legacy(2, 'ping'))).toMatchObject({ id: 2 });
  ada.stream.close();
});

test('foreign pages and hosts are refused before all else', async () => {
  const { base } = await start({ config: { allowedOrigins: ['https://app.example'] } });
  const client = await SseClient.connect(`${base}/sse`);
  const refused = async (headers: Record<string, string>) => [
    (await send(`${base}/sse`, { headers })).status,
    (await send(`${base}/nothing`, { headers })).status,
    (await post(client.endpoint, legacy(1, 'ping'), headers)).status,
  ];
  expect(await refused({ origin: 'https://evil.example' })).toEqual([403, 403, 403]);
  expect(await refused({ origin: 'null' })).toEqual([403, 403, 403]);
  expect(await refused({ host: 'evil.example' })).toEqual([403, 403, 403]);
  const page = { origin: 'https://app.example' };
  const allowed = await post(client.endpoint, legacy(1, 'ping'), page);
  expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example');
  const asked = await send(client.endpoint, { method: 'OPTIONS', headers: page });
  expect([asked.status, asked.headers['access-control-allow-methods']]).toEqual([204, 'POST, OPTIONS']);
  client.stream.close();
});

test('answers 405 to a POST for which the client should open the stream, and the like', async () => {
  const { base } = await start();
  const client = await SseClient.connect(`${base}/sse`);
  const tried = await post(`${base}/sse`, initializeRequest(0));
  expect([tried.status, tried.headers.allow]).toEqual([405, 'GET, OPTIONS']);
  const got = await send(client.endpoint);
  expect([got.status, got.headers.allow]).toEqual([405, 'POST, OPTIONS']);
  expect((await send(`${base}/sse`, { headers: { accept: 'application/json' } })).status).toBe(406);
  client.stream.close();
});

test('answers garbage where it came from, and goes on', async () => {
  const { base } = await start({ config: { maxBodyBytes: 2_000 } });
  const client = await (await SseClient.connect(`${base}/sse`)).initialize();
  const cases: [body: string | Buffer, status: number, code: number][] = [
    ['', 400, -32700],
    ['{"jsonrpc":"2.0","id":1,', 400, -32700],
    ['[]', 400, -32600],
    ['{"id":1,"method":"ping"}', 400, -32600],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, -32600],
    [Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400, -32700],
    [`{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(3_000)}"}`, 413, -32600],
  ];
  for (const [body, status, code] of cases) {
    const { status: actual, json: reply } = await client.post(body);
    expect([body.toString().slice(0, 60), actual, reply.error?.code]).toEqual([
      body.toString().slice(0, 60),
      status,
      code,
    ]);
  }
  const text = await post(client.endpoint, legacy(1, 'ping'), { 'content-type': 'text/plain' });
  expect(text.status).toBe(415);
  expect(await client.ask(legacy('still', 'ping'))).toMatchObject({ id: 'still' });
  client.stream.close();
});

test('asks for initialize before other requests, on the stream', async () => {
  const { base } = await start();
  const client = await SseClient.connect(`${base}/sse`);
  expect(await client.ask(legacy(1, 'tools/list'))).toMatchObject({ id: 1, error: { code: -32602 } });
  await client.initialize();
  client.stream.close();
});

test('keeps a quiet stream alive by comments', async () => {
  const { base } = await start({ config: { keepAlive: 30 } });
  const client = await SseClient.connect(`${base}/sse`);
  await client.stream.untilComments(3);
  client.stream.close();
});

test('cuts off a client that does not read, and ends its session', async () => {
  const { base, router } = await start({ config: { maxBufferedBytes: 1024 * 1024 } });
  const client = await (await SseClient.connect(`${base}/sse`)).initialize();
  await client.tell(legacy(1, 'tools/call', { name: 'flood' }));
  const call = await router.nth('tools/call');
  client.stream.pause();
  const note = json(notification('notifications/message', { level: 'info', data: 'd'.repeat(500_000) }));
  for (let n = 0; n < 200 && call.cancelled === undefined; n += 1) {
    call.sink.onMessage(note);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(call.cancelled).toBe('client');
  await router.nth('session/end');
  expect((await client.post(legacy(2, 'ping'))).status).toBe(404);
  client.stream.close();
});

test('draining lets calls finish whose clients must still be asked', async () => {
  const { base, router, drain } = await start();
  const idle = await (await SseClient.connect(`${base}/sse`)).initialize();
  const busy = await (await SseClient.connect(`${base}/sse`)).initialize();
  await busy.tell(legacy(1, 'tools/call', { name: 'ask' }));
  const call = await router.nth('tools/call');
  // No new connections are taken: the client has one open, as clients do.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const postKept = (message: unknown): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = httpRequest(busy.endpoint, { method: 'POST', agent, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject).end(JSON.stringify(message));
    });
  expect(await postKept(legacy('p', 'ping'))).toBe(202);
  expect(await busy.stream.nextMessage()).toMatchObject({ id: 'p' });
  const drained = drain(10_000);
  expect(await idle.stream.rest()).toEqual([]);
  expect(await postKept(legacy(2, 'tools/list'))).toBe(202);
  expect(await busy.stream.nextMessage()).toMatchObject({ id: 2, error: { code: -31006 } });
  expect(await postKept({ jsonrpc: '2.0', id: 'q-1', result: {} })).toBe(202);
  expect(JSON.parse(router.inputs.at(-1)?.message.toString() ?? '')).toMatchObject({ id: 'q-1' });
  call.sink.onResult(json({ content: [] }));
  expect(await busy.stream.nextMessage()).toMatchObject({ id: 1, result: { content: [] } });
  expect(await busy.stream.rest()).toEqual([]);
  await drained;
  agent.destroy();
});
