import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { initializeRequest, legacy, notification } from '../channels/test-channel.js';
import { modern, sendRaw } from '../test-client.js';
import { json, startTestGateway, type TestGateway, type TestGatewayOptions } from '../test-gateway.js';
import { encodeFrame, OPCODE, RawWebSocket } from './raw-websocket.js';

let gateway: TestGateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

async function start(options: TestGatewayOptions = {}): Promise<TestGateway> {
  gateway = await startTestGateway(options);
  return gateway;
}

const KEY = 'mcpb_secret-of-ada';
const AUTH = {
  keys: [{ id: 'ada', tenant: 'acme', sha256: createHash('sha256').update(KEY).digest('hex') }],
};
const KEY_PROTOCOL = `mcp.key.${Buffer.from(KEY).toString('base64url')}`;

describe('the upgrade', () => {
  test('answers with the subprotocol mcp, and without extensions', async () => {
    const { port } = await start();
    const { status, headers } = await RawWebSocket.handshake(port, {
      headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate', 'Sec-WebSocket-Protocol': 'chat, mcp' },
    });
    expect(status).toBe(101);
    expect(headers['sec-websocket-protocol']).toBe('mcp');
    expect(headers['sec-websocket-extensions']).toBeUndefined();
  });

  test('takes clients that offer no subprotocol', async () => {
    const { port } = await start();
    const { status, headers } = await RawWebSocket.handshake(port, {
      headers: { 'Sec-WebSocket-Protocol': undefined },
    });
    expect([status, headers['sec-websocket-protocol']]).toEqual([101, undefined]);
  });

  test.each<[what: string, status: number, path: string, headers: Record<string, string | undefined>]>([
    ['other subprotocols only', 400, '/mcp', { 'Sec-WebSocket-Protocol': 'chat, soap' }],
    ['another version', 426, '/mcp', { 'Sec-WebSocket-Version': '8' }],
    ['no Upgrade header', 400, '/mcp', { Upgrade: undefined }],
    ['no Connection: Upgrade', 400, '/mcp', { Connection: 'keep-alive' }],
    ['a path that is none of MCP', 404, '/other', {}],
    ['a foreign Origin', 403, '/mcp', { Origin: 'https://evil.example' }],
    ['the Origin of a sandboxed frame', 403, '/mcp', { Origin: 'null' }],
    ['a foreign Host', 403, '/mcp', { Host: 'evil.example' }],
    ['a body', 400, '/mcp', { 'Content-Length': '5' }],
  ])('is refused with %s: %i', async (_what, status, path, headers) => {
    const { port, metrics } = await start();
    const reply = await RawWebSocket.handshake(port, { path, headers });
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.body)).toMatchObject({ error: { message: expect.any(String) as string } });
    const text = await metrics.expose();
    expect(text).toMatch(/mcp_connection_failures_total\{transport="websocket",reason="\w+"\} 1/);
  });

  test('names the subprotocol that it wants', async () => {
    const { port } = await start();
    const reply = await RawWebSocket.handshake(port, { headers: { 'Sec-WebSocket-Protocol': 'chat' } });
    expect(reply.body).toContain('\\"mcp\\"');
  });

  test('lets pages of this machine in', async () => {
    const { port } = await start();
    const reply = await RawWebSocket.handshake(port, { headers: { Origin: 'http://localhost:5173' } });
    expect(reply.status).toBe(101);
  });

  test.each<[what: string, status: number, headers: Record<string, string>]>([
    ['no key', 401, {}],
    ['a wrong key', 401, { Authorization: 'Bearer nope' }],
    ['a wrong key as a subprotocol', 401, { 'Sec-WebSocket-Protocol': 'mcp, mcp.key.bm9wZQ' }],
    ['an empty key as a subprotocol', 401, { 'Sec-WebSocket-Protocol': 'mcp, mcp.key.' }],
    [
      'keys that contradict each other',
      400,
      { 'Sec-WebSocket-Protocol': `mcp, ${KEY_PROTOCOL}`, 'X-Api-Key': 'x' },
    ],
    ['a key as a subprotocol, but no mcp', 400, { 'Sec-WebSocket-Protocol': KEY_PROTOCOL }],
    ['the key as Authorization', 101, { Authorization: `Bearer ${KEY}` }],
    ['the key as X-Api-Key', 101, { 'X-Api-Key': KEY }],
    ['the key as a subprotocol', 101, { 'Sec-WebSocket-Protocol': `mcp, ${KEY_PROTOCOL}` }],
  ])('with %s: %i', async (_what, status, headers) => {
    const { port } = await start({ auth: AUTH });
    const reply = await RawWebSocket.handshake(port, { headers });
    expect(reply.status).toBe(status);
    expect(reply.headers['www-authenticate']?.startsWith('Bearer') === true).toBe(status === 401);
    // The key is never repeated.
    expect(JSON.stringify(reply)).not.toContain(KEY_PROTOCOL);
    expect(reply.headers['sec-websocket-protocol'] === 'mcp').toBe(status === 101);
  });

  test('an anonymous gateway refuses a wrong key too', async () => {
    const { port } = await start();
    const headers = { 'Sec-WebSocket-Protocol': 'mcp, mcp.key.bm9wZQ' };
    expect((await RawWebSocket.handshake(port, { headers })).status).toBe(401);
  });

  test('a GET that asks for events stays an HTTP request', async () => {
    const { port } = await start();
    const reply = await sendRaw(
      port,
      `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n`,
      (text) => text.includes('error'),
    );
    expect(reply).toMatch(/^HTTP\/1.1 400/);
  });
});

test('serves stateless requests of the principal and view that the upgrade named', async () => {
  const { port, router } = await start({ auth: AUTH });
  router.on('tools/call', ({ sink }) => {
    sink.onMessage(json(notification('notifications/progress', { progressToken: 1, progress: 0.5 })));
    sink.onResult(json({ resultType: 'complete', content: [{ type: 'text', text: '🌉' }] }));
  });
  const ws = await RawWebSocket.connect(port, {
    path: '/mcp/files',
    headers: { Authorization: `Bearer ${KEY}` },
  });
  expect(await ws.ask(modern(1, 'tools/call', { name: 'echo' }).message)).toMatchObject({
    method: 'notifications/progress',
  });
  expect(await ws.nextMessage()).toMatchObject({ id: 1, result: { content: [{ text: '🌉' }] } });
  expect(router.calls[0]?.request).toMatchObject({ principal: { tenant: 'acme', id: 'ada' }, view: 'files' });
  ws.destroy();
});

test('serves a session for as long as the connection', async () => {
  const { port, router } = await start();
  router.on('tools/list', ({ sink }) => sink.onResult(json({ tools: [] })));
  const ws = await RawWebSocket.connect(port);
  expect(await ws.ask(initializeRequest(0))).toMatchObject({
    id: 0,
    result: { protocolVersion: '2025-11-25' },
  });
  ws.sendText(notification('notifications/initialized'));
  expect(await ws.ask(legacy(1, 'tools/list'))).toEqual({ jsonrpc: '2.0', id: 1, result: { tools: [] } });
  ws.sendText(legacy(2, 'tools/call', { name: 'slow' }));
  const slow = await router.nth('tools/call');
  ws.destroy();
  const end = await router.nth('session/end');
  expect(end.request.session).toBe(slow.request.session);
  expect(slow.cancelled).toBe('client');
});

test('tells clients apart that use the same ids', async () => {
  const { port, router } = await start();
  router.on('tools/call', ({ request, sink }) => sink.onResult(request.params));
  const sockets = await Promise.all(Array.from({ length: 20 }, () => RawWebSocket.connect(port)));
  const replies = await Promise.all(
    sockets.map((ws, n) => ws.ask(modern(1, 'tools/call', { name: `tool-${n}` }).message)),
  );
  expect(replies.map(({ result }) => (result as { name: string }).name)).toEqual(
    sockets.map((_ws, n) => `tool-${n}`),
  );
  for (const ws of sockets) ws.destroy();
});

test('several messages in one segment are all answered, in their order', async () => {
  const { port } = await start();
  const ws = await RawWebSocket.connect(port);
  const frames = Array.from({ length: 50 }, (_, id) =>
    encodeFrame(OPCODE.text, JSON.stringify(legacy(id, 'ping'))),
  );
  ws.sendBytes(Buffer.concat(frames));
  for (let id = 0; id < 50; id++) expect(await ws.nextMessage()).toMatchObject({ id });
  ws.destroy();
});

test('cuts a client off that does not read, and cancels its calls', async () => {
  const { port, router } = await start({ config: { maxBufferedBytes: 256 * 1024 } });
  const ws = await RawWebSocket.connect(port);
  ws.sendText(modern(1, 'tools/call', { name: 'chatty' }).message);
  const call = await router.nth('tools/call');
  ws.pause();
  const message = json(notification('notifications/message', { level: 'info', data: 'x'.repeat(64 * 1024) }));
  let sent = 0;
  for (; call.cancelled === undefined && sent < 10_000; sent++) {
    call.sink.onMessage(message);
    // Lets the kernel take what it will.
    await new Promise(setImmediate);
  }
  expect(call.cancelled).toBe('client');
  expect(sent).toBeGreaterThan(4);
  ws.destroy();
});

test('drains: 1001 after the last reply, to idle clients at once', async () => {
  const { port, router, drain } = await start();
  const [busy, idle] = await Promise.all([RawWebSocket.connect(port), RawWebSocket.connect(port)]);
  busy.sendText(modern(1, 'tools/call', { name: 'slow' }).message);
  const slow = await router.nth('tools/call');
  const drained = drain(10_000);
  expect(await idle.untilClosed()).toMatchObject({ code: 1001 });
  const refused = await busy.ask(modern(2, 'tools/call', { name: 'late' }).message);
  expect(refused).toMatchObject({ id: 2, error: { code: -31006 } });
  slow.sink.onResult(json({ text: 'x'.repeat(1024 * 1024) }));
  expect(await busy.nextMessage()).toMatchObject({ id: 1 });
  expect(await busy.untilClosed()).toMatchObject({ code: 1001 });
  await drained;
});

test('draining, a reply that waits for a slow reader is written before the end', async () => {
  const { port, router, drain } = await start();
  const ws = await RawWebSocket.connect(port);
  ws.sendText(modern(1, 'tools/call', { name: 'large' }).message);
  const call = await router.nth('tools/call');
  ws.pause();
  const text = 'x'.repeat(7 * 1024 * 1024);
  call.sink.onResult(json({ text }));
  const drained = drain(10_000);
  ws.resume();
  expect(await ws.nextMessage()).toMatchObject({ id: 1, result: { text } });
  expect(await ws.untilClosed()).toMatchObject({ code: 1001 });
  await drained;
});

test('counts connections apart from those of HTTP', async () => {
  const { port, metrics, router } = await start();
  const ws = await RawWebSocket.connect(port);
  await ws.ask(legacy(1, 'ping'));
  expect(await metrics.expose()).toContain('mcp_connections{transport="websocket"} 1');
  expect(await metrics.expose()).toContain('mcp_connections{transport="http"} 0');
  ws.sendText(modern(2, 'tools/call', { name: 'slow' }).message);
  const call = await router.nth('tools/call');
  ws.destroy();
  await router.until(() => call.cancelled);
  expect(await metrics.expose()).toContain('mcp_connections{transport="websocket"} 0');
  expect(await metrics.expose()).toContain('mcp_connections{transport="http"} 0');
});
