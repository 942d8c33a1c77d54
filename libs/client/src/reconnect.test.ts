import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { encodeWelcome } from '@mcp-bridge/protocol';
import type { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { createLegacyClient, createModernClient, freePort } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { BridgeTransport } from './bridge-transport.js';
import { createTcpTransport } from './tcp/tcp-transport.js';
import { TestBridge } from './testing/test-bridge.js';
import { TRANSPORT_NAMES, TRANSPORTS } from './testing/transports.js';
import { createWebSocketTransport } from './websocket/websocket-transport.js';

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await TestBridge.start();
});
afterAll(() => bridge[Symbol.asyncDispose]());

const SLEEP = { name: 'probe_sleep', arguments: { ms: 20_000, steps: 200 } };
const ECHO = { name: 'test_simple_text', arguments: {} };

/** Resolves when the transport has reported an error, which a lost connection is. */
function lost(transport: BridgeTransport): Promise<Error> {
  return new Promise((resolve) => {
    const before = transport.onerror;
    transport.onerror = (error) => {
      before?.(error);
      resolve(error);
    };
  });
}

/** Calls a tool that takes long, and resolves with how the call ends as soon as it is under way. */
async function startSleeping(client: {
  callTool: LegacyClient['callTool'];
}): Promise<{ ended: Promise<unknown> }> {
  return new Promise((resolve) => {
    const ended: Promise<unknown> = client
      .callTool(SLEEP, undefined, { onprogress: () => resolve({ ended }) })
      .catch((error: unknown) => error);
  });
}

describe.each(TRANSPORT_NAMES)('over %s', (name) => {
  test('a legacy session goes on over a new connection, with its subscriptions', async () => {
    const client = createLegacyClient();
    const transport = TRANSPORTS[name](bridge, { view: 'legacy' });
    await client.connect(transport);
    const uri = 'test://watched-resource';
    await client.subscribeResource({ uri });
    const { ended } = await startSleeping(client);
    const noticed = lost(transport);
    const updated = new Promise((resolve) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri));
    });

    await bridge.killGateway();
    expect(await ended).toMatchObject({ code: -31005 });
    await noticed;
    // Sent while there is no connection: it waits.
    const waiting = client.callTool(ECHO);
    await bridge.startGateway();
    expect(JSON.stringify(await waiting)).toContain('simple text');
    expect(transport.state).toBe('open');
    await client.callTool({ name: 'test_trigger_resource_update', arguments: { uri } });
    expect(await updated).toBe(uri);
    await client.close();
  });

  test('a stateless client just goes on', async () => {
    const client = createModernClient();
    const transport = TRANSPORTS[name](bridge, { view: 'modern' });
    await client.connect(transport);
    await client.callTool(ECHO);
    const noticed = lost(transport);
    await bridge.killGateway();
    await noticed;
    const waiting = client.callTool(ECHO);
    await bridge.startGateway();
    expect(JSON.stringify(await waiting)).toContain('simple text');
    await client.close();
  });

  test('a client that is told not to reconnect is closed', async () => {
    const client = createLegacyClient();
    const closed = new Promise<void>((resolve) => (client.onclose = resolve));
    const transport = TRANSPORTS[name](bridge, { reconnect: false });
    await client.connect(transport);
    await bridge.killGateway();
    await closed;
    expect(transport.state).toBe('closed');
    await expect(client.ping()).rejects.toThrow();
    await bridge.startGateway();
  });

  test('a client that finds nobody gives up, and says so', async () => {
    const client = createLegacyClient();
    const errors: Error[] = [];
    const closed = new Promise<void>((resolve) => (client.onclose = resolve));
    client.onerror = (error) => errors.push(error);
    const reconnect = { firstDelayMs: 10, maxDelayMs: 20, giveUpAfterMs: 200 };
    const transport = TRANSPORTS[name](bridge, { reconnect });
    await client.connect(transport);
    const noticed = lost(transport);
    await bridge.killGateway();
    await noticed;
    const waiting = client.callTool(ECHO);
    await closed;
    await expect(waiting).rejects.toThrow(/closed/i);
    expect(errors.at(-1)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await bridge.startGateway();
  });

  test('a first connection that cannot be is refused with its reason', async () => {
    const port = await freePort();
    const transport = TRANSPORTS[name]({ httpPort: port, tcpPort: port });
    await expect(createLegacyClient().connect(transport)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    expect(transport.state).toBe('closed');
  });
});

describe('keys', () => {
  test.each(TRANSPORT_NAMES)('decide over %s', async (name) => {
    const key = 'correct-horse';
    const sha256 = createHash('sha256').update(key).digest('hex');
    await using locked = await TestBridge.start({ sha256 });
    for (const wrong of [{}, { key: 'guess' }]) {
      const refused = createModernClient().connect(TRANSPORTS[name](locked, wrong));
      await expect(refused).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    const client = createModernClient();
    await client.connect(TRANSPORTS[name](locked, { key, view: 'modern' }));
    expect(JSON.stringify(await client.callTool(ECHO))).toContain('simple text');
    await client.close();
  });
});

describe('a gateway that leaves', () => {
  test('is left without loss over frames', async () => {
    const client = createModernClient();
    const transport = createTcpTransport({ port: bridge.tcpPort, view: 'modern' });
    await client.connect(transport);
    const slow = client.callTool({ name: 'probe_sleep', arguments: { ms: 1_500 } });
    await client.callTool(ECHO);
    const drained = bridge.gateway.drain(10_000);
    // Sent before the client has heard of it: refused, and sent again to the next gateway.
    const crossing = client.callTool(ECHO);
    await lost(transport);
    await bridge.startGateway();
    expect(JSON.stringify(await crossing)).toContain('simple text');
    expect(JSON.stringify(await slow)).toContain('slept');
    await drained;
    await client.close();
  });
});

describe('bridges that misbehave', () => {
  let server: Server;
  const sockets: Socket[] = [];
  async function serve(onConnection: (socket: Socket) => void): Promise<number> {
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }
  async function stop(): Promise<void> {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }

  test.each([
    ['frames', (port: number) => createTcpTransport({ port, connectTimeoutMs: 200 })],
    ['lines', (port: number) => createTcpTransport({ port, mode: 'lines', connectTimeoutMs: 200 })],
    [
      'WebSocket',
      (port: number) => createWebSocketTransport({ url: `ws://127.0.0.1:${port}`, connectTimeoutMs: 200 }),
    ],
  ])('by silence end the attempt in time: %s', async (_name, create) => {
    const port = await serve(() => undefined);
    await expect(create(port).start()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await stop();
  });

  test('by giving no sign of life are left: frames', async () => {
    const welcome = { encoding: 'json', maxFrameBytes: 1024, credit: 1024, keepAliveMs: 20 } as const;
    const port = await serve((socket) => socket.write(encodeWelcome(welcome)));
    const transport = createTcpTransport({ port, reconnect: false });
    const error = lost(transport);
    await transport.start();
    expect((await error).message).toContain('sign of life');
    await stop();
  });

  test('by giving no sign of life are left: WebSocket', async () => {
    const deaf = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
    await once(deaf, 'listening');
    const { port } = deaf.address() as AddressInfo; // bound to a port
    const transport = createWebSocketTransport({
      url: `ws://127.0.0.1:${port}`,
      keepAliveMs: 20,
      reconnect: false,
    });
    const error = lost(transport);
    await transport.start();
    expect((await error).message).toContain('sign of life');
    deaf.close();
  });

  test.each([
    ['frames', (port: number) => createTcpTransport({ port }), 'UPSTREAM_PROTOCOL'],
    [
      'WebSocket',
      (port: number) => createWebSocketTransport({ url: `ws://127.0.0.1:${port}` }),
      'UPSTREAM_UNAVAILABLE',
    ],
  ])('by garbage are refused: %s', async (_name, create, code) => {
    const port = await serve((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await expect(create(port).start()).rejects.toMatchObject({ code });
    await stop();
  });
});
