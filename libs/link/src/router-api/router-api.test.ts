import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { Status } from '../gen/google/rpc/status.js';
import { ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.js';
import { RouterServiceService } from '../gen/mcp_bridge/router/v1/router.js';
import { type LinkServerOptions, startLinkServer } from '../link-server.js';
import { ScriptedHandler } from '../testing/scripted-handler.js';
import { createTestAuthority } from '../testing/test-certificates.js';
import { createRouterApi } from './router-api.js';
import { createRouterClient, type RouterClient, type RouterClientOptions } from './router-client.js';

const cleanups: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of cleanups.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const handler = new ScriptedHandler();

async function listen(options: Partial<LinkServerOptions> & { readonly maxMessageBytes?: number } = {}) {
  const api = createRouterApi({ handler, servers: () => [], ...options });
  const server = await startLinkServer({
    host: '127.0.0.1',
    port: 0,
    handler,
    extend: api.addTo,
    ...options,
  });
  cleanups.push(server);
  return `127.0.0.1:${server.port}`;
}

function open(address: string, options: Partial<RouterClientOptions> = {}): RouterClient {
  const client = createRouterClient({ address, timeoutMs: 10_000, ...options });
  cleanups.push(client);
  return client;
}

/** The call that the handler holds next. */
async function nextHeld() {
  const at = handler.held.length;
  await handler.until(() => handler.held.length > at);
  return handler.held[at]!;
}

/** What a client without our library gets. */
function rawFailure(address: string, metadata = new Metadata()): Promise<ServiceError> {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = RouterServiceService.listServers;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, metadata, (error) => {
      client.close();
      if (error === null) reject(new Error('the call succeeded'));
      else resolve(error);
    });
  });
}

describe('errors', () => {
  const refuse = async (error: BridgeError, client: RouterClient): Promise<unknown> => {
    const [held, failed] = await Promise.all([
      nextHeld().then((call) => call.sink.onError(error)),
      client.call({ tool: 't' }).catch((thrown: unknown) => thrown),
    ]);
    expect(held).toBeUndefined();
    return failed;
  };

  test('carry google.rpc details: ErrorInfo, and RetryInfo where a pause is known', async () => {
    const client = open(await listen());
    const failed = (await refuse(
      new BridgeError('OVERLOADED', 'too much waits', { data: '{"retryAfterMs":1250}' }),
      client,
    )) as BridgeError;
    const cause = failed.cause as ServiceError;
    expect(cause.code).toBe(status.RESOURCE_EXHAUSTED);
    const encoded = cause.metadata.get('grpc-status-details-bin')[0] as Buffer;
    const { code, message, details } = Status.decode(encoded);
    expect({ code, message }).toEqual({ code: 8, message: 'too much waits' });
    expect(details.map(({ typeUrl }) => typeUrl)).toEqual([
      'type.googleapis.com/google.rpc.ErrorInfo',
      'type.googleapis.com/google.rpc.RetryInfo',
    ]);
    expect(ErrorInfo.decode(details[0]!.value)).toEqual({
      reason: 'OVERLOADED',
      domain: 'mcp-bridge',
      metadata: { jsonRpcCode: '-31003', data: '{"retryAfterMs":1250}' },
    });
    expect(RetryInfo.decode(details[1]!.value)).toEqual({
      retryDelay: { seconds: 1n, nanos: 250_000_000 },
    });
  });

  test.each([
    new BridgeError('DRAINING', 'goes away', { data: '{"retryAfterMs":100}' }),
    new BridgeError('UPSTREAM_ERROR', 'no such file – ñ', { data: '{"path":"/x"}', rpcCode: -32042 }),
    new BridgeError('UPSTREAM_ERROR', 'says when itself', { data: '{"retryAfterMs":"soon"}', rpcCode: 7 }),
    new BridgeError('INVALID_PARAMS', 'unknown tool'),
  ])('are to a client of ours what they were at the router: $code $message', async (error) => {
    const failed = await refuse(error, open(await listen()));
    const { code, message, rpcCode, data } = error;
    expect(failed).toMatchObject({ code, message, rpcCode });
    expect((failed as BridgeError).data).toBe(data);
  });

  test('fit into the metadata of any client, however long they are, and are text', async () => {
    const long = new BridgeError('UPSTREAM_ERROR', `\ud800 ${'ñ'.repeat(100_000)}`, {
      data: JSON.stringify('d'.repeat(100_000)),
      rpcCode: 1,
    });
    const failed = (await refuse(long, open(await listen()))) as BridgeError;
    expect(failed).toMatchObject({ code: 'UPSTREAM_ERROR', rpcCode: 1, data: undefined });
    expect(failed.message).toMatch(/^\ufffd ñ+$/);
    expect(Buffer.byteLength(failed.message)).toBeLessThanOrEqual(1024);
  });

  test('keep their code and data in a batch', async () => {
    const client = open(await listen());
    const error = new BridgeError('OVERLOADED', 'full', { data: '{"retryAfterMs":5}' });
    const [, outcomes] = await Promise.all([
      nextHeld().then((call) => call.sink.onError(error)),
      client.callBatch([{ tool: 't' }]),
    ]);
    expect(outcomes).toMatchObject([
      { error: { code: 'OVERLOADED', rpcCode: -31003, data: '{"retryAfterMs":5}' } },
    ]);
  });
});

describe('limits', () => {
  test('a deadline reaches the router as what is left of it', async () => {
    const client = open(await listen());
    const [held] = await Promise.all([
      nextHeld().then((call) => {
        call.sink.onResult(Buffer.from('{"content":[]}'));
        return call;
      }),
      client.call({ tool: 't' }, { timeoutMs: 5_000 }),
    ]);
    expect(held.request.timeoutMs).toBeGreaterThan(1_000);
    expect(held.request.timeoutMs).toBeLessThanOrEqual(5_000);
  });

  test('a call that is over its deadline, or cancelled, is cancelled behind the router', async () => {
    const client = open(await listen());
    const late = client.call({ tool: 't' }, { timeoutMs: 50 });
    const first = await nextHeld();
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await handler.until(() => first.cancelled.length > 0);

    const abort = new AbortController();
    const given = client.call({ tool: 't' }, { signal: abort.signal });
    const second = await nextHeld();
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'CANCELLED' });
    await handler.until(() => second.cancelled.length > 0);
  });

  test('a request over maxMessageBytes is refused and reaches no handler; the next one does', async () => {
    const client = open(await listen({ maxMessageBytes: 10_000 }));
    const before = handler.requests.length;
    const long = { tool: 't', arguments: { text: 'x'.repeat(10_000) } };
    const refused = {
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('maxMessageBytes') as string,
    };
    await expect(client.call(long)).rejects.toMatchObject(refused);
    await expect(client.callBatch([long])).rejects.toMatchObject(refused);
    await expect(client.stream(long)[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    expect(handler.requests).toHaveLength(before);
    const [, result] = await Promise.all([
      nextHeld().then((call) => call.sink.onResult(Buffer.from('{"content":[]}'))),
      client.call({ tool: 't', arguments: { text: 'x'.repeat(9_000) } }),
    ]);
    expect(result.content).toEqual([]);
  });

  test('a request beyond what the server takes at all ends that call alone', async () => {
    const client = open(await listen({ limits: { maxPayloadBytes: 1_000_000 } }));
    const huge = { tool: 't', arguments: { text: 'x'.repeat(3_000_000) } };
    await expect(client.call(huge)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect(await client.listServers()).toEqual([]);
  });

  test('results over maxMessageBytes become errors, in a batch those that no longer fit', async () => {
    const client = open(await listen({ maxMessageBytes: 10_000 }));
    const result = Buffer.from(JSON.stringify({ content: [], text: 'x'.repeat(6_000) }));
    const answer = async (times: number): Promise<void> => {
      const at = handler.held.length;
      await handler.until(() => handler.held.length === at + times);
      for (const { sink } of handler.held.slice(at)) sink.onResult(result);
    };
    const [, outcomes] = await Promise.all([answer(2), client.callBatch([{ tool: 'a' }, { tool: 'b' }])]);
    expect(outcomes).toMatchObject([{ result: { content: [] } }, { error: { code: 'PAYLOAD_TOO_LARGE' } }]);
    const [, one] = await Promise.all([answer(1), client.call({ tool: 'a' })]);
    expect(one.content).toEqual([]);
  });
});

describe('credentials', () => {
  const token = 'a-shared-secret-of-the-link';

  test('the token is asked of every service of the API', async () => {
    const address = await listen({ credential: { token } });
    expect(await open(address, { credential: { token } }).listServers()).toEqual([]);
    await expect(open(address).listServers()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const wrong = new Metadata();
    wrong.set('authorization', `Bearer ${token}x`);
    expect((await rawFailure(address, wrong)).code).toBe(status.UNAUTHENTICATED);
    for (const path of [
      '/grpc.health.v1.Health/Check',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    ]) {
      const client = new Client(address, credentials.createInsecure());
      const stream = client.makeBidiStreamRequest(path, asIs, asIs);
      const failed = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
      stream.on('data', () => {});
      stream.write(Buffer.alloc(0));
      expect((await failed).code).toBe(status.UNAUTHENTICATED);
      client.close();
    }
  });

  test('mTLS lets in who has a certificate, and nobody else', async () => {
    const authority = createTestAuthority('API test CA');
    const { certificate, key } = authority.issue('router.test');
    const address = await listen({ credential: { tls: { certificate, key, clientCa: authority.ca } } });
    const trust = { ca: authority.ca, serverName: 'router.test' };
    const own = authority.issue('billing.test');
    expect(await open(address, { credential: { tls: { ...trust, ...own } } }).listServers()).toEqual([]);
    const stranger = createTestAuthority('API test CA').issue('billing.test');
    for (const credential of [{ tls: trust }, { tls: { ...trust, ...stranger } }, {}]) {
      const client = open(address, { credential, timeoutMs: 2_000 });
      await expect(client.listServers()).rejects.toBeInstanceOf(BridgeError);
    }
  });
});

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
