import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { createRouterPool, startLinkServer } from '@mcp-bridge/link';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, modern, openEvents, post, postForEvents } from '../test-client.js';
import { json, startTestGateway, type TestGateway, TestRouter } from '../test-gateway.js';

const MIB = 1024 * 1024;
let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway({ config: { maxBufferedBytes: 4 * MIB } });
});
afterEach(() => gateway.close());

const CALL = modern(1, 'tools/call', { name: 'x' });
const note = (n: number, size: number) =>
  json({ jsonrpc: '2.0', method: 'notifications/message', params: { n, data: 'd'.repeat(size) } });

describe('large replies', () => {
  it('arrive whole, far over what the socket takes at once', async () => {
    const text = 'äöü'.repeat(5 * MIB);
    gateway.router.on('tools/call', (call) => call.sink.onResult(json({ text })));
    const response = await post(gateway.url, CALL.message, CALL.headers);
    const digest = (value: unknown) => createHash('sha256').update(String(value)).digest('hex');
    expect(digest(response.json.result?.['text'])).toBe(digest(text));
  });

  it('arrive whole when the link brings them in parts, also in an event stream', async () => {
    const router = new TestRouter();
    await using server = await startLinkServer({ host: '127.0.0.1', port: 0, handler: router });
    await using link = createRouterPool({ routers: [`127.0.0.1:${server.port}`] });
    const linked = await startTestGateway({ router, link });
    const text = 'xyz'.repeat(MIB);
    router.on('tools/call', (call) => call.sink.onResult(json({ text })));
    const response = await post(linked.url, CALL.message, CALL.headers);
    expect(response.json.result?.['text'] === text).toBe(true);
    router.on('tools/call', (call) => {
      call.sink.onMessage(note(1, 1));
      call.sink.onResult(json({ text }));
    });
    const events = await (await postForEvents(linked.url, CALL.message, CALL.headers)).rest();
    expect(events.at(-1)?.data.includes(text)).toBe(true);
    await linked.close();
  });

  it('arrive whole at a client that reads slowly', async () => {
    const size = 8 * MIB;
    gateway.router.on('tools/call', (call) => call.sink.onResult(json({ text: 'x'.repeat(size) })));
    const body = JSON.stringify(CALL.message);
    const headers = { host: 'localhost', 'content-type': 'application/json', ...CALL.headers };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const received = await new Promise<number>((resolve) => {
      let bytes = 0;
      const socket = connect(gateway.port, '127.0.0.1');
      socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`);
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > size) socket.destroy();
        socket.pause();
        setImmediate(() => socket.resume());
      });
      socket.on('close', () => resolve(bytes));
    });
    expect(received).toBeGreaterThan(size);
  });

  it('that nobody reads do not keep others waiting, and end with the connection', async () => {
    gateway.router.on('tools/call', (call) =>
      call.sink.onResult(json({ text: 'x'.repeat(call.request.clientRequestId === '1' ? 32 * MIB : 10) })),
    );
    const reader = await openEvents(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...CALL.headers },
      body: JSON.stringify(CALL.message),
    });
    reader.pause();
    const other = modern(2, 'tools/call', { name: 'x' });
    expect((await post(gateway.url, other.message, other.headers)).status).toBe(200);
    reader.close();
    await reader.rest();
    expect((await post(gateway.url, other.message, other.headers)).status).toBe(200);
  });
});

describe('event streams', () => {
  it('deliver a burst whole and in order, large events among small ones', async () => {
    const sizes = Array.from({ length: 400 }, (_, n) => (n % 50 === 0 ? 300_000 : 100));
    gateway.router.on('tools/call', (call) => {
      for (const [n, size] of sizes.entries()) call.sink.onMessage(note(n, size));
      call.sink.onResult(json({}));
    });
    const stream = await postForEvents(gateway.url, CALL.message, CALL.headers);
    const events = await stream.rest();
    expect(events).toHaveLength(401);
    const numbers = events
      .slice(0, -1)
      .map((event) => (JSON.parse(event.data) as { params: { n: number } }).params.n);
    expect(numbers).toEqual(sizes.map((_, n) => n));
  });

  it('cut off a client that lets more than the bound pile up, and cancel its modern call', async () => {
    const opening = postForEvents(gateway.url, CALL.message, CALL.headers);
    const call = await gateway.router.nth('tools/call');
    call.sink.onMessage(note(0, 10));
    const stream = await opening;
    await stream.next();
    stream.pause();
    let sent = 0;
    while (call.cancelled === undefined && sent < 64 * MIB) {
      call.sink.onMessage(note(1, 100_000));
      sent += 100_000;
      if (sent % MIB < 100_000) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(call.cancelled).toBe('client');
    // The bound, and what the sockets of both ends hold.
    expect(sent).toBeGreaterThan(4 * MIB);
    expect(sent).toBeLessThan(32 * MIB);
  });

  it('cut off a legacy client too, whose call goes on', async () => {
    const { headers } = await initialize(gateway.url);
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };
    const stream = await postForEvents(gateway.url, message, headers);
    const call = await gateway.router.nth('tools/call');
    await stream.next();
    stream.pause();
    for (let n = 0; n < 400; n += 1) call.sink.onMessage(note(n, 100_000));
    const cutOff = 'mcp_requests_total{transport="http",method="tools/call",outcome="cancelled"} 1';
    expect(await gateway.metrics.expose()).toContain(cutOff);
    expect(call.cancelled).toBeUndefined();
    call.sink.onResult(json({}));
  });
});
