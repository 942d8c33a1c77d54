import { createHash } from 'node:crypto';
import {
  encodeCredit,
  encodeFatalError,
  encodeFrame,
  encodeGoaway,
  encodeHello,
  encodePing,
  encodePong,
  BridgeError,
  FRAME_KIND,
  FRAMING_PREFACE,
  jsonToMsgpack,
  msgpackToJson,
  parseCredit,
  parseGoaway,
} from '@mcp-bridge/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { modern } from '../test-client.js';
import { json, startTestGateway, type TestGateway, type TestGatewayOptions } from '../test-gateway.js';
import { dial, FrameClient, INITIALIZE, RawClient } from './test-tcp-client.js';

let gateway: TestGateway | undefined;
const clients: RawClient[] = [];
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

async function connect(hello: Parameters<FrameClient['hello']>[0] = {}): Promise<FrameClient> {
  const client = await dial(gateway!, FrameClient);
  clients.push(client);
  await client.hello(hello);
  return client;
}

const call = (id: number | string, name = 'x') => modern(id, 'tools/call', { name }).message;

describe('HELLO', () => {
  it('is answered with what the connection can do', async () => {
    await start({ config: { keepAlive: 12_000 } });
    const client = await dial(gateway!, FrameClient);
    clients.push(client);
    expect(await client.hello()).toEqual({
      encoding: 'json',
      maxFrameBytes: 1024 * 1024,
      credit: 1024 * 1024,
      keepAliveMs: 12_000,
    });
  });

  it('says who calls, and for which view', async () => {
    const key = 'correct horse';
    const sha256 = createHash('sha256').update(key).digest('hex');
    const { router } = await start({ auth: { keys: [{ id: 'ada', tenant: 'math', sha256 }] } });
    const client = await connect({ key, view: 'files' });
    client.send(call(1));
    await client.next();
    const { request } = await router.nth('tools/call');
    expect(request).toMatchObject({ principal: { tenant: 'math', id: 'ada' }, view: 'files' });
  });

  it.each([
    ['with a wrong key', { key: 'guess' }, 'UNAUTHENTICATED'],
    ['without a key where one is needed', {}, 'UNAUTHENTICATED'],
    ['with a view that cannot be', { view: '../secret' }, 'METHOD_NOT_FOUND'],
  ])('%s is refused', async (_what, hello, code) => {
    const { metrics } = await start({ auth: { keys: [] } });
    const client = await dial(gateway!, FrameClient);
    client.write(Buffer.concat([FRAMING_PREFACE, encodeHello(hello)]));
    expect(await client.fatalError()).toMatchObject({ code });
    await client.untilClosed();
    expect(await metrics.expose()).toMatch(/mcp_connection_failures_total\{transport="tcp",reason="\w+"\} 1/);
  });

  it('must come first, and only once', async () => {
    await start();
    const early = await dial(gateway!, FrameClient);
    early.write(FRAMING_PREFACE).send(call(1));
    expect(await early.fatalError()).toMatchObject({ code: 'INVALID_REQUEST' });
    const twice = await connect();
    twice.write(encodeHello({}));
    expect(await twice.fatalError()).toMatchObject({ code: 'INVALID_REQUEST' });
    await twice.untilClosed();
  });

  it('must come in time', async () => {
    const { metrics } = await start();
    const client = await dial(gateway!, FrameClient);
    client.write(FRAMING_PREFACE);
    expect(await client.fatalError()).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await client.untilClosed();
    expect(await metrics.expose()).toContain(
      'mcp_connection_failures_total{transport="tcp",reason="timeout"} 1',
    );
  }, 20_000);
});

describe('messages', () => {
  it.each(['json', 'msgpack'] as const)('cross in %s, both eras on one connection', async (encoding) => {
    const { router } = await start();
    router.on('tools/list', ({ sink }) => sink.onResult(json({ tools: [] })));
    const client = await connect({ encodings: [encoding] });
    client.send(call('m', 'modern tool'));
    expect(await client.next()).toEqual({ jsonrpc: '2.0', id: 'm', result: { echo: 'modern tool' } });
    client.send(INITIALIZE);
    expect((await client.next()).result).toMatchObject({ protocolVersion: '2025-11-25' });
    client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    client.send({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    expect(await client.next()).toEqual({ jsonrpc: '2.0', id: 2, result: { tools: [] } });
    expect((await router.nth('tools/list')).request.protocolVersion).toBe('2025-11-25');
  });

  it('keep 64-bit integers through MessagePack', async () => {
    const { router } = await start();
    router.on('tools/call', ({ request, sink }) => sink.onResult(request.params));
    const client = await connect({ encodings: ['msgpack'] });
    // {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","n":2^63-1,"_meta":{…}}}
    const { params } = call(1) as { params: object };
    const text = JSON.stringify({ ...params, n: 0 }).replace('"n":0', '"n":9223372036854775807');
    const message = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${text}}`;
    client.write(encodeFrame(FRAME_KIND.MESSAGE, 2, jsonToMsgpack(Buffer.from(message))));
    const { payload } = await client.nextOf(FRAME_KIND.MESSAGE);
    expect(msgpackToJson(payload).toString()).toContain('"n":9223372036854775807');
  });

  it('that are malformed get an error, and the connection goes on', async () => {
    await start();
    const text = await connect();
    text.write(encodeFrame(FRAME_KIND.MESSAGE, 1, Buffer.from('{"jsonrpc":"2.0","id":1')));
    expect((await text.next()).error).toMatchObject({ code: -32700 });
    text.send(call(2));
    expect((await text.next()).id).toBe(2);

    const packed = await connect({ encodings: ['msgpack'] });
    packed.write(encodeFrame(FRAME_KIND.MESSAGE, 2, Buffer.from('c1', 'hex')));
    expect((await packed.next()).error).toMatchObject({ code: -32700 });
    packed.send(call(3));
    expect((await packed.next()).id).toBe(3);
  });

  it('in another encoding than the agreed one end the connection', async () => {
    await start();
    const client = await connect({ encodings: ['msgpack', 'json'] });
    client.write(encodeFrame(FRAME_KIND.MESSAGE, 1, Buffer.from('{}')));
    expect(await client.fatalError()).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('longer than the limit end the connection at their header', async () => {
    await start({ config: { tcp: { port: 0, maxFrameBytes: 2000, maxConnections: 10 } } });
    const client = await connect();
    client.write(Buffer.from('000007d10301', 'hex'));
    expect(await client.fatalError()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    await client.untilClosed();
  });

  it('of a mebibyte cross whole', async () => {
    const { router } = await start();
    router.on('tools/call', ({ request, sink }) => sink.onResult(request.params));
    const client = await connect({ maxFrameBytes: 4 * 1024 * 1024, credit: 16 * 1024 * 1024 });
    const blob = 'é'.repeat(500_000);
    for (const id of [1, 2, 3]) client.send(modern(id, 'tools/call', { name: 'x', blob }).message);
    for (const id of [1, 2, 3]) {
      expect(await client.next()).toMatchObject({ id, result: { blob } });
    }
  });

  it('that are cancelled or left behind are cancelled at the router', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const client = await connect();
    client.send(call(1)).send(call(2));
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    const first = await router.nth('tools/call', 0);
    await router.until(() => first.cancelled);
    const second = await router.nth('tools/call', 1);
    expect(second.cancelled).toBeUndefined();
    client.destroy();
    expect(await router.until(() => second.cancelled)).toBe('client');
  });
});

describe('replies that do not fit', () => {
  it('become errors that say so', async () => {
    const { router, metrics } = await start();
    const client = await connect({ maxFrameBytes: 1024 });
    router.on('tools/call', ({ sink }) => {
      sink.onMessage(
        json({ jsonrpc: '2.0', method: 'notifications/message', params: { text: 'x'.repeat(2000) } }),
      );
      sink.onResult(json({ text: 'x'.repeat(2000) }));
    });
    client.send(call(7));
    const { id, error } = await client.next();
    expect(id).toBe(7);
    expect(error?.message).toContain('maxFrameBytes');
    expect(await metrics.expose()).toContain('mcp_errors_total{component="edge",code="PAYLOAD_TOO_LARGE"} 2');
  });

  it('for their id alone become errors without one', async () => {
    await start();
    const client = await connect({ maxFrameBytes: 1024 });
    client.send({ jsonrpc: '2.0', id: 'x'.repeat(1000), method: 'ping' });
    const { id, error } = await client.next();
    expect(id).toBeUndefined();
    expect(error?.message).toContain('maxFrameBytes');
    client.send({ jsonrpc: '2.0', id: 2, method: 'ping' });
    expect((await client.next()).id).toBe(2);
  });

  it('of a batch go one by one', async () => {
    const { router } = await start();
    router.on('tools/call', ({ sink }) => sink.onResult(json({ text: 'x'.repeat(600) })));
    const client = await connect({ maxFrameBytes: 1024 });
    client.send({ ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: '2025-03-26' } });
    await client.next();
    client.send([1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'x' } })));
    expect([(await client.next()).id, (await client.next()).id]).toEqual([1, 2]);
  });

  it('become errors where MessagePack cannot hold them', async () => {
    const { router } = await start();
    router.on('tools/call', ({ sink }) => sink.onResult(Buffer.from('{"n":1e400}')));
    const client = await connect({ encodings: ['msgpack'] });
    client.send(call(1));
    expect((await client.next()).error).toMatchObject({ code: -31004 });
  });
});

describe('credit', () => {
  it('of the client is waited for, and a frame may overdraw it', async () => {
    await start();
    const client = await connect({ credit: 0 });
    client.send(call(1)).send(call(2)).send(call(3));
    await gateway!.router.nth('tools/call', 2);
    // PONG overtakes the replies: they wait.
    client.write(encodePing(Buffer.alloc(8, 1)));
    expect((await client.nextOf(FRAME_KIND.PONG)).payload).toEqual(Buffer.alloc(8, 1));
    expect(client.frames).toEqual([]);
    client.write(encodeCredit(1));
    expect((await client.next()).id).toBe(1);
    client.write(encodePing(Buffer.alloc(8, 2)));
    await client.nextOf(FRAME_KIND.PONG);
    expect(client.frames).toEqual([]);
    client.write(encodeCredit(1000));
    expect((await client.next()).id).toBe(2);
    expect((await client.next()).id).toBe(3);
  });

  it('that never comes costs a bounded buffer, then the connection', async () => {
    const { router, metrics } = await start({ config: { maxBufferedBytes: 100_000 } });
    router.on('tools/call', ({ sink }) => sink.onResult(json({ text: 'x'.repeat(30_000) })));
    const client = await connect({ credit: 0 });
    for (let id = 0; id < 3; id++) client.send(call(id));
    await router.nth('tools/call', 2);
    client.write(encodePing(Buffer.alloc(8)));
    await client.nextOf(FRAME_KIND.PONG);
    client.send(call(3));
    await client.untilClosed();
    expect(await metrics.expose()).toContain(
      'mcp_connection_failures_total{transport="tcp",reason="slow"} 1',
    );
  });

  it('comes back as messages are dealt with', async () => {
    await start();
    const client = await connect();
    const padded = modern(1, 'tools/call', { name: 'x', pad: 'x'.repeat(300_000) }).message;
    client.send(padded);
    const { payload } = await client.nextOf(FRAME_KIND.CREDIT);
    expect(parseCredit(payload)).toBe(JSON.stringify(padded).length + 6);
  });

  it('is held back from a client that leaves much unread', async () => {
    const { router } = await start({ config: { maxBufferedBytes: 400_000 } });
    router.on('tools/call', ({ sink }) => sink.onResult(json({ text: 'x'.repeat(150_000) })));
    const client = await connect({ credit: 0 });
    const padded = (id: number) => modern(id, 'tools/call', { name: 'x', pad: 'x'.repeat(300_000) }).message;
    client.send(padded(1));
    await client.nextOf(FRAME_KIND.CREDIT);
    client.send(padded(2));
    await router.nth('tools/call', 1);
    client.write(encodePing(Buffer.alloc(8)));
    await client.nextOf(FRAME_KIND.PONG);
    expect(client.frames).toEqual([]);
    client.write(encodeCredit(1_000_000));
    await client.next();
    await client.next();
    await client.nextOf(FRAME_KIND.CREDIT);
  });

  it('is kept to by both sides', async () => {
    const { router } = await start({ config: { maxBufferedBytes: 400_000 } });
    router.on('tools/call', ({ request, sink }) => {
      if (request.name === 'much') sink.onResult(json({ text: 'x'.repeat(150_000) }));
    });
    const spender = await connect({ credit: 0 });
    // What it leaves unread keeps its credit from coming back: one frame may overdraw, no more.
    spender.send(call(1, 'much'));
    const padded = (id: number) => modern(id, 'tools/call', { name: 'x', pad: 'x'.repeat(600_000) }).message;
    spender.send(padded(2)).send(padded(3));
    await router.nth('tools/call', 2);
    spender.send(call(4));
    expect(await spender.fatalError()).toMatchObject({ code: 'INVALID_REQUEST' });

    const generous = await connect({ credit: 0x7fffffff });
    generous.write(encodeCredit(1));
    expect(await generous.fatalError()).toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('signs of life', () => {
  it('are asked for after a silence, and their absence ends the connection', async () => {
    const { metrics } = await start({ config: { keepAlive: 100 } });
    const client = await connect();
    for (let pings = 0; pings < 3; pings++) {
      const { payload } = await client.nextOf(FRAME_KIND.PING);
      client.write(encodePong(payload));
    }
    await client.nextOf(FRAME_KIND.PING);
    await client.untilClosed();
    expect(await metrics.expose()).toContain(
      'mcp_connection_failures_total{transport="tcp",reason="timeout"} 1',
    );
  });

  it('that are asked for without reading the answers cost a bounded buffer', async () => {
    await start({ config: { maxBufferedBytes: 200_000 } });
    const client = await connect();
    client.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 5000 }, () => encodePing(Buffer.alloc(8))));
    const flood = (): void => {
      while (client.socket.writable && client.socket.write(pings));
    };
    client.socket.on('drain', flood);
    flood();
    // Paused, the socket sees a reset only when it writes.
    await new Promise<void>((resolve) => client.socket.once('close', () => resolve()));
  }, 30_000);
});

describe('leaving', () => {
  it('of the gateway: GOAWAY, replies to what was accepted, refusals of what crossed, the end', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const client = await connect();
    client.send(call(1));
    const { sink } = await router.nth('tools/call');
    const drained = gateway!.drain(10_000);
    expect(parseGoaway((await client.nextOf(FRAME_KIND.GOAWAY)).payload)).toEqual({
      reason: 'draining',
      retryAfterMs: 1000,
    });
    client.send(call(2));
    expect(await client.next()).toMatchObject({ id: 2, error: { code: -31006 } });
    sink.onResult(json({ done: true }));
    expect(await client.next()).toMatchObject({ id: 1, result: { done: true } });
    // All is answered: what still crosses is refused, too.
    client.send(call(3));
    expect(await client.next()).toMatchObject({ id: 3, error: { code: -31006 } });
    client.socket.end();
    await client.untilClosed();
    await drained;
  });

  it('of the gateway does not wait for ever for a client that does not close', async () => {
    await start();
    const client = await connect();
    const drained = gateway!.drain(10_000);
    await client.nextOf(FRAME_KIND.GOAWAY);
    await client.untilClosed();
    await drained;
  });

  it('of the client: the end comes when everything is answered', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const client = await connect();
    client.send(call(1));
    const { sink } = await router.nth('tools/call');
    client.write(encodeGoaway({ reason: 'done', retryAfterMs: 0 }));
    client.send(call(2));
    expect(await client.next()).toMatchObject({ id: 2, error: { code: -31006 } });
    sink.onResult(json({}));
    expect(await client.next()).toMatchObject({ id: 1, result: {} });
    await client.untilClosed();
  });

  it('of the client with an error', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const client = await connect();
    client.send(call(1));
    const pending = await router.nth('tools/call');
    client.write(encodeFatalError(new BridgeError('INTERNAL', 'I give up')));
    await client.untilClosed();
    expect(await router.until(() => pending.cancelled)).toBe('client');
  });

  it('of the session: the client learns that it must begin again', async () => {
    const { router } = await start();
    const client = await connect();
    client.send(INITIALIZE);
    await client.next();
    router.on('tools/call', ({ sink }) => sink.onError(new BridgeError('SESSION_NOT_FOUND', 'gone')));
    client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } });
    expect((await client.next()).id).toBe(1);
    expect(await client.fatalError()).toMatchObject({ code: 'SESSION_NOT_FOUND' });
    await client.untilClosed();
  });
});
