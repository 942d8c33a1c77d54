import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { createLogger } from '@mcp-bridge/service';
import { afterEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { Relay } from './relay.js';

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A queue of messages that can be waited for. */
class Messages {
  readonly #messages: Message[] = [];
  #wake: (() => void)[] = [];

  push(message: Message): void {
    this.#messages.push(message);
    for (const resolve of this.#wake.splice(0)) resolve();
  }

  async next(): Promise<Message> {
    while (this.#messages.length === 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.#messages.shift() ?? {};
  }
}

/** One connection, as the bridge sees it. */
class Arrived {
  readonly messages = new Messages();
  readonly ws: WebSocket;
  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString('utf8')) as Message));
  }

  send(message: object): void {
    this.ws.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  async answer(result: object = {}): Promise<Message> {
    const request = await this.messages.next();
    this.send({ id: request.id, result });
    return request;
  }
}

class Scene {
  readonly server: Server;
  readonly sockets: WebSocketServer;
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly lines = new Messages();
  readonly relay: Relay;

  constructor(server: Server, sockets: WebSocketServer) {
    this.server = server;
    this.sockets = sockets;
    const { port } = server.address() as AddressInfo;
    this.relay = new Relay({
      input: this.input,
      output: this.output,
      url: new URL(`ws://127.0.0.1:${port}/mcp`),
      key: 'the-key',
      log: createLogger({ name: 'test', level: 'silent' }),
    });
    this.output.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString('utf8').split('\n').filter(Boolean)) {
        this.lines.push(JSON.parse(line) as Message);
      }
    });
  }

  static async start(): Promise<Scene> {
    const server = createServer((_request, response) => response.end());
    const sockets = new WebSocketServer({ server });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Scene(server, sockets);
  }

  async arrived(): Promise<Arrived> {
    const [ws] = (await once(this.sockets, 'connection')) as [WebSocket];
    return new Arrived(ws);
  }

  write(...messages: object[]): void {
    for (const message of messages) this.input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  close(): void {
    this.relay.close();
    for (const client of this.sockets.clients) client.terminate();
    this.server.close();
  }
}

let scene: Scene | undefined;
afterEach(() => scene?.close());
async function start(): Promise<Scene> {
  scene = await Scene.start();
  return scene;
}

const INITIALIZE = { method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } };

/** A client with a session over a first connection. */
async function withSession(): Promise<{ scene: Scene; first: Arrived }> {
  const started = await start();
  const first = await started.arrived();
  started.write({ id: 0, ...INITIALIZE });
  await first.answer({ protocolVersion: '2025-11-25' });
  await started.lines.next();
  started.write({ method: 'notifications/initialized' });
  await first.messages.next();
  return { scene: started, first };
}

test('carries messages unchanged, with the key and the subprotocol', async () => {
  const { input, lines, sockets, arrived } = bound(await start());
  const opened = once(sockets, 'connection') as Promise<[WebSocket, { headers: Record<string, string> }]>;
  const connection = await arrived();
  const [, request] = await opened;
  expect(request.headers).toMatchObject({
    authorization: 'Bearer the-key',
    'sec-websocket-protocol': 'mcp',
  });
  let raw = '';
  connection.ws.on('message', (data: Buffer) => (raw = data.toString('utf8')));
  input.write('{"jsonrpc":"2.0", "id":1.0e0,"method":"x"}\n{"jsonrpc":"2.0", "id":1,"method":"x" }\n');
  expect(await lines.next()).toMatchObject({ error: { code: -32600 } });
  await connection.answer({ big: '🌉' });
  expect(raw).toBe('{"jsonrpc":"2.0", "id":1,"method":"x" }');
  expect(await lines.next()).toEqual({ jsonrpc: '2.0', id: 1, result: { big: '🌉' } });
});

test('a lost connection fails what was in flight, and says whether it may have run', async () => {
  const { write, lines, arrived } = bound(await start());
  const first = await arrived();
  write({ id: 'a', method: 'tools/call' }, { id: 'l', method: 'subscriptions/listen' });
  await first.messages.next();
  await first.messages.next();
  first.ws.terminate();
  expect(await lines.next()).toMatchObject({ id: 'a', error: { code: -31005 } });
  expect(await lines.next()).toMatchObject({ id: 'l', error: { code: -31001 } });
  const second = await arrived();
  write({ id: 'a', method: 'tools/call' });
  await second.answer();
  expect(await lines.next()).toMatchObject({ id: 'a', result: {} });
});

test('begins a session again as its client had it, before what waited is sent', async () => {
  const { scene: running, first } = await withSession();
  const { write, lines, arrived } = bound(running);
  write(
    { id: 1, method: 'logging/setLevel', params: { level: 'debug' } },
    { id: 2, method: 'resources/subscribe', params: { uri: 'test://a' } },
    { id: 3, method: 'resources/subscribe', params: { uri: 'test://b' } },
    { id: 4, method: 'resources/unsubscribe', params: { uri: 'test://a' } },
  );
  for (let n = 0; n < 4; n++) {
    await first.answer();
    await lines.next();
  }
  first.ws.close(1001, 'bye');
  await once(first.ws, 'close');
  write({ id: 5, method: 'tools/list' });

  const second = await arrived();
  const again = await second.answer({ protocolVersion: '2025-11-25' });
  expect(again).toMatchObject(INITIALIZE);
  expect(again.id).toMatch(/^mcp-bridge-relay-/);
  const then = [];
  for (let n = 0; n < 4; n++) then.push(await second.messages.next());
  expect(then).toMatchObject([
    { method: 'notifications/initialized' },
    { method: 'logging/setLevel', params: { level: 'debug' } },
    { method: 'resources/subscribe', params: { uri: 'test://b' } },
    { id: 5, method: 'tools/list' },
  ]);
  // Replies to the relay's own requests are not the client's business.
  for (const { id } of then) if (id !== undefined) second.send({ id, result: { of: id } });
  expect(await lines.next()).toMatchObject({ id: 5, result: { of: 5 } });
});

test('an initialize without an answer is sent again', async () => {
  const { write, lines, arrived } = bound(await start());
  const first = await arrived();
  write({ id: 0, ...INITIALIZE });
  await first.messages.next();
  first.ws.terminate();
  const second = await arrived();
  expect(await second.answer({ n: 2 })).toMatchObject({ id: 0, ...INITIALIZE });
  expect(await lines.next()).toMatchObject({ id: 0, result: { n: 2 } });
});

test('tells the client that a question of a lost server needs no answer', async () => {
  const { scene: running, first } = await withSession();
  first.send({ id: 'bridge-1', method: 'sampling/createMessage', params: {} });
  expect(await running.lines.next()).toMatchObject({ id: 'bridge-1' });
  first.ws.terminate();
  expect(await running.lines.next()).toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: 'bridge-1' },
  });
});

test('what was cancelled before it was sent is never sent', async () => {
  const { scene: running, first } = await withSession();
  const { write, lines, arrived } = bound(running);
  first.ws.close(1012);
  await once(first.ws, 'close');
  write(
    { id: 1, method: 'tools/call' },
    { method: 'notifications/cancelled', params: { requestId: 1 } },
    { id: 2, method: 'tools/list' },
  );
  const second = await arrived();
  await second.answer();
  expect(await second.messages.next()).toMatchObject({ method: 'notifications/initialized' });
  expect(await second.answer()).toMatchObject({ id: 2 });
  expect(await lines.next()).toMatchObject({ id: 2 });
});

test('a client that ends its side gets what it waits for, then the connection closes', async () => {
  const { write, input, lines, relay, arrived } = bound(await start());
  const connection = await arrived();
  write({ id: 1, method: 'tools/call' });
  input.end();
  const closed = once(connection.ws, 'close');
  await connection.answer({ n: 1 });
  expect(await lines.next()).toMatchObject({ id: 1, result: { n: 1 } });
  expect(await relay.ended).toBeUndefined();
  expect((await closed)[0]).toBe(1000);
});

test('answers what is no message without troubling the bridge', async () => {
  const { input, lines } = bound(await start());
  input.write('nonsense\n');
  expect(await lines.next()).toMatchObject({ error: { code: -32700 } });
});

/** The scene with its methods bound, to be taken apart. */
function bound(running: Scene) {
  return {
    ...running,
    write: running.write.bind(running),
    arrived: running.arrived.bind(running),
  };
}
