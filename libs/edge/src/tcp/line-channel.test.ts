import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { modern } from '../test-client.js';
import { json, startTestGateway, type TestGateway, type TestGatewayOptions } from '../test-gateway.js';
import { dial, INITIALIZE, LineClient } from './test-tcp-client.js';

let gateway: TestGateway | undefined;
const clients: LineClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await gateway?.close();
});

async function start({ config, auth }: TestGatewayOptions = {}): Promise<TestGateway> {
  const tcp = { port: 0, maxFrameBytes: 1024 * 1024, maxConnections: 100, ...config?.tcp };
  gateway = await startTestGateway({ ...(auth && { auth }), config: { ...config, tcp } });
  gateway.router.on('tools/call', ({ request, sink }) => sink.onResult(json({ echo: request.name })));
  return gateway;
}

async function connect(): Promise<LineClient> {
  const client = await dial(gateway!, LineClient);
  clients.push(client);
  return client;
}

const hello = (params: unknown) => ({ jsonrpc: '2.0', method: 'notifications/bridge/hello', params });
const call = (id: number | string, name = 'x') => modern(id, 'tools/call', { name }).message;
const KEY = 'correct horse';
const AUTH = {
  keys: [{ id: 'ada', tenant: 'math', sha256: createHash('sha256').update(KEY).digest('hex') }],
};

describe('the first line', () => {
  it('may be any request of an anonymous client', async () => {
    const { router } = await start();
    const client = await connect();
    client.send(call(1, 'tool'));
    expect(await client.next()).toEqual({ jsonrpc: '2.0', id: 1, result: { echo: 'tool' } });
    const { request } = await router.nth('tools/call');
    expect(request).toMatchObject({ principal: { tenant: 'test', id: 'anonymous' }, view: '' });
  });

  it('may say who calls, and for which view', async () => {
    const { router } = await start({ auth: AUTH });
    const client = await connect();
    client.send(hello({ key: KEY, view: 'files' })).send(call(1));
    await client.next();
    const { request } = await router.nth('tools/call');
    expect(request).toMatchObject({ principal: { tenant: 'math', id: 'ada' }, view: 'files' });
  });

  it.each([
    ['a wrong key', hello({ key: 'guess' }), -31008, undefined],
    ['no key where one is needed', call(5), -31008, 5],
    ['a view that cannot be', hello({ key: KEY, view: 'a/b' }), -32601, undefined],
    ['a key that is no string', hello({ key: 1 }), -32602, undefined],
  ])('is refused with %s, and the connection ends', async (_what, line, code, id) => {
    const { router } = await start({ auth: AUTH });
    const client = await connect();
    client.send(line).send(call(6));
    const reply = await client.next();
    expect(reply.error?.code).toBe(code);
    expect(reply.id).toBe(id);
    await client.untilClosed();
    expect(client.lines).toEqual([]);
    expect(router.calls).toEqual([]);
  });

  it('is refused when it is too long to be kept', async () => {
    await start({ config: { tcp: { port: 0, maxFrameBytes: 2000, maxConnections: 10 } } });
    const client = await connect();
    client.write(`{"pad":"${'x'.repeat(3000)}`);
    expect((await client.next()).error?.message).toContain('maxFrameBytes');
    await client.untilClosed();
  });
});

describe('lines', () => {
  it('carry both eras, however they are cut', async () => {
    const { router } = await start();
    router.on('tools/list', ({ sink }) => sink.onResult(json({ tools: [] })));
    const client = await connect();
    const text = [
      JSON.stringify(INITIALIZE),
      '\r\n\n',
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
      '\n',
      JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' }),
      '\n',
      JSON.stringify(call('m', 'é')),
      '\n',
    ].join('');
    const bytes = Buffer.from(text);
    client.socket.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += 7) {
      await new Promise<void>((resolve) => client.socket.write(bytes.subarray(at, at + 7), () => resolve()));
    }
    const replies = [await client.next(), await client.next(), await client.next()];
    expect(new Map(replies.map(({ id, result }) => [id, result]))).toMatchObject(
      new Map<unknown, unknown>([
        ['init', expect.objectContaining({ protocolVersion: '2025-11-25' })],
        [2, { tools: [] }],
        ['m', { echo: 'é' }],
      ]),
    );
  });

  it('that are no JSON, or too long, get an error, and the connection goes on', async () => {
    await start({ config: { tcp: { port: 0, maxFrameBytes: 2000, maxConnections: 10 } } });
    const client = await connect();
    client.send(call(1));
    await client.next();
    client.write('{"jsonrpc"\n');
    expect((await client.next()).error?.code).toBe(-32700);
    client.send(modern(2, 'tools/call', { name: 'x', pad: 'x'.repeat(3000) }).message);
    expect((await client.next()).error?.message).toContain('maxFrameBytes');
    client.send(call(3));
    expect((await client.next()).id).toBe(3);
  });

  it('hold one message each, whatever blanks the router left in it', async () => {
    const { router } = await start();
    router.on('tools/call', ({ sink }) => sink.onResult(Buffer.from('{\n "a": "\\n"\r\n}')));
    const client = await connect();
    client.send(call(1));
    expect(await client.next()).toEqual({ jsonrpc: '2.0', id: 1, result: { a: '\n' } });
  });

  it('are not read from a client that leaves much unread', async () => {
    const { router } = await start({ config: { maxBufferedBytes: 4_000_000 } });
    router.on('tools/call', ({ sink }) => sink.onResult(json({ text: 'x'.repeat(100_000) })));
    const client = await connect();
    client.socket.pause();
    const many = 200;
    // So long that one read brings a few only: what was read is answered.
    const padded = (id: number) => modern(id, 'tools/call', { name: 'x', pad: 'x'.repeat(16_000) }).message;
    for (let id = 0; id < many; id++) client.send(padded(id));
    await router.nth('tools/call', 30);
    // Were all read at once, the replies (20 MB) would pass the bound and cut the connection.
    client.socket.resume();
    for (let id = 0; id < many; id++) expect((await client.next()).id).toBe(id);
  });

  it('that nobody reads cost a bounded buffer, then the connection', async () => {
    const { router, metrics } = await start({ config: { maxBufferedBytes: 200_000 } });
    const client = await connect();
    router.on('tools/call', () => undefined);
    client.send(call(1));
    const { sink } = await router.nth('tools/call');
    client.socket.pause();
    const note = json({
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { text: 'x'.repeat(50_000) },
    });
    const pending = await router.nth('tools/call');
    while (pending.cancelled === undefined) {
      sink.onMessage(note);
      await new Promise(setImmediate);
    }
    expect(await metrics.expose()).toContain(
      'mcp_connection_failures_total{transport="tcp",reason="slow"} 1',
    );
  });
});

describe('the end', () => {
  it('of the client cancels what is in flight', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const client = await connect();
    client.send(call(1));
    const pending = await router.nth('tools/call');
    client.socket.end();
    expect(await router.until(() => pending.cancelled)).toBe('client');
    await client.untilClosed();
  });

  it('of the gateway comes after the replies to what was accepted', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const client = await connect();
    client.send(call(1));
    const { sink } = await router.nth('tools/call');
    const drained = gateway!.drain(10_000);
    client.send(call(2));
    expect(await client.next()).toMatchObject({ id: 2, error: { code: -31006 } });
    sink.onResult(json({ done: true }));
    expect(await client.next()).toMatchObject({ id: 1, result: { done: true } });
    await client.untilClosed();
    await drained;
  });
});
