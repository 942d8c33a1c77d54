import { connect } from 'node:net';
import { Client, type ServiceError, credentials, status } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type LinkServer, type LinkServerOptions, startLinkServer } from './link-server.js';
import { linkMethod } from './link-method.js';
import { type RouterPool, type RouterPoolOptions, createRouterPool } from './router-pool.js';
import { checkServerCredential } from './server-credential.js';
import { RecordedCall, callRequest } from './testing/recorded-call.js';
import { createRecordedLog } from './testing/recorded-log.js';
import { ScriptedHandler } from './testing/scripted-handler.js';
import { createTestAuthority } from './testing/test-certificates.js';

const cleanups: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of cleanups.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const handler = new ScriptedHandler();
const token = 'a shared secret of the link'.replaceAll(' ', '-');

async function listen(options: Partial<LinkServerOptions>): Promise<LinkServer> {
  const server = await startLinkServer({ host: '127.0.0.1', port: 0, handler, ...options });
  cleanups.push(server);
  return server;
}

function open(server: LinkServer, options: Partial<RouterPoolOptions>): RouterPool {
  const pool = createRouterPool({ routers: [`127.0.0.1:${server.port}`], connectWaitMs: 10_000, ...options });
  cleanups.push(pool);
  return pool;
}

const codeOf = async (pool: RouterPool): Promise<string> =>
  new RecordedCall(pool, callRequest({ method: 'echo' })).code();

describe('a token', () => {
  test('lets its gateway in', async () => {
    const server = await listen({ credential: { token } });
    expect(await codeOf(open(server, { credential: { token } }))).toBe('ok');
  });

  test.each([
    ['wrong', { token: 'b'.repeat(27) }],
    ['missing', {}],
  ])('that is %s keeps a gateway out, and its log says what to do', async (_kind, credential) => {
    const server = await listen({ credential: { token } });
    const log = createRecordedLog();
    const before = handler.requests.length;
    const pool = open(server, { credential, log, connectWaitMs: 300 });
    expect(await codeOf(pool)).toBe('UPSTREAM_UNAVAILABLE');
    expect(pool.ready).toBe(false);
    expect(handler.requests).toHaveLength(before);
    expect(server.links).toBe(0);
    const errors = log.lines.filter((line) => line.level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toContain('same link token');
    expect(JSON.stringify(log.lines)).not.toContain(token);
  });

  test('guards every other service on the server too', async () => {
    const path = '/test.v1.Other/Ask';
    const bytes = {
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    const server = await listen({
      credential: { token },
      extend: (grpc) =>
        grpc.addService(
          { ask: { path, requestStream: false, responseStream: false, ...bytes } },
          {
            ask: (_call: unknown, reply: (error: null, value: Buffer) => void) =>
              reply(null, Buffer.from('yes')),
          },
        ),
    });
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(path, asIs, asIs, Buffer.from('?'), (failed) => resolve(failed));
    });
    client.close();
    expect(error?.code).toBe(status.UNAUTHENTICATED);
  });

  test('that is short or not printable is refused on both sides', async () => {
    const refused = { code: 'CONFIG_INVALID' };
    for (const bad of ['', 'short', `${'x'.repeat(20)}\n`]) {
      await expect(listen({ credential: { token: bad } })).rejects.toMatchObject(refused);
      expect(() => createRouterPool({ routers: ['h:1'], credential: { token: bad } })).toThrow(BridgeError);
    }
  });
});

describe('mutual TLS', () => {
  const authority = createTestAuthority('link test CA');
  const { certificate, key } = authority.issue('router.test');
  const gateway = authority.issue('gateway.test');
  const credential = { tls: { certificate, key, clientCa: authority.ca } };
  const trust = { ca: authority.ca, serverName: 'router.test' };

  test('lets a gateway with a certificate in', async () => {
    const server = await listen({ credential });
    const pool = open(server, { credential: { tls: { ...trust, ...gateway } } });
    expect(await codeOf(pool)).toBe('ok');
  });

  test.each([
    ['no certificate', { tls: trust }],
    [
      'another authority’s certificate',
      { tls: { ...trust, ...createTestAuthority('link test CA').issue('gateway.test') } },
    ],
    ['no TLS', {}],
  ])('keeps a gateway with %s out', async (_kind, bad) => {
    const server = await listen({ credential });
    expect(await codeOf(open(server, { credential: bad, connectWaitMs: 300 }))).toBe('UPSTREAM_UNAVAILABLE');
    expect(server.links).toBe(0);
  });

  test('keeps a gateway from a router that it does not know', async () => {
    const server = await listen({ credential });
    const stranger = createTestAuthority('stranger');
    const pool = open(server, {
      credential: { tls: { ...trust, ...gateway, ca: stranger.ca } },
      connectWaitMs: 300,
    });
    expect(await codeOf(pool)).toBe('UPSTREAM_UNAVAILABLE');
  });
});

describe('beyond loopback', () => {
  const { certificate, key } = createTestAuthority('ca').issue('router.test');

  test.each(['0.0.0.0', '::', '', '10.0.0.1', 'router.internal', '127.example.org'])(
    'a router on %j refuses to start without a credential',
    async (host) => {
      for (const credential of [{}, { tls: { certificate, key } }]) {
        const started = startLinkServer({ host, port: 0, handler, credential });
        await expect(started).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          message: expect.stringMatching(/token.*mTLS.*127\.0\.0\.1/s) as string,
        });
      }
      expect(() => checkServerCredential(host, { token })).not.toThrow();
      expect(() =>
        checkServerCredential(host, { tls: { certificate, key, clientCa: certificate } }),
      ).not.toThrow();
    },
  );

  test.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])('a router on %s needs none', (host) => {
    expect(() => checkServerCredential(host, {})).not.toThrow();
  });
});

describe('what is not the link protocol', () => {
  test('garbage on the port ends that connection, and a gateway still gets through', async () => {
    const server = await listen({});
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write('GET / HTTP/1.1\r\n\r\n\0\xff{');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await codeOf(open(server, {}))).toBe('ok');
  });

  test.each([
    ['malformed frames', Buffer.from([0x0a, 3, 1, 2, 3])],
    ['a frame that only routers send', Buffer.from([0x0a, 10, 6, 0, 0, 0, 4, 1, 0, 0, 0, 0])],
    ['another version', Buffer.from([0x0a, 19, 15, 0, 0, 0, 1, 99, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 0, 0])],
  ])('%s end the stream with the reason, and a gateway still gets through', async (_kind, message) => {
    const server = await listen({});
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const stream = client.makeBidiStreamRequest(linkMethod.path, asIs, asIs);
    stream.on('data', () => {});
    const failed = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
    stream.write(message);
    const error = await failed;
    client.close();
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain('Malformed link frame');
    await vi.waitFor(() => expect(server.links).toBe(0), { timeout: 20_000 });
    expect(await codeOf(open(server, {}))).toBe('ok');
  });
});

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
