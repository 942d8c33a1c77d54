import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ContextTable } from './context-table.js';
import { FrameWriter } from './frame-writer.js';
import { FRAME, LINK_VERSION } from './frames.js';
import { linkMethod } from './link-method.js';
import type { LinkServer, LinkServerOptions } from './link-server.js';
import { startLinkServer } from './link-server.js';
import type { RouterPool, RouterPoolOptions } from './router-pool.js';
import { createRouterPool } from './router-pool.js';
import { type FlakyProxy, startFlakyProxy } from './testing/flaky-proxy.js';
import { RecordedCall, callRequest } from './testing/recorded-call.js';
import { startRouterProcess } from './testing/router-process.js';
import { ScriptedHandler } from './testing/scripted-handler.js';

/** For a machine with more to do than this. */
const PATIENT = { timeout: 20_000, interval: 5 };

const cleanups: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of cleanups.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(resource: T): T {
  cleanups.push(resource);
  return resource;
}

interface Router {
  readonly handler: ScriptedHandler;
  readonly server: LinkServer;
  readonly address: string;
}

async function startRouter(options: Partial<LinkServerOptions> = {}): Promise<Router> {
  const handler = new ScriptedHandler();
  const server = keep(await startLinkServer({ host: '127.0.0.1', port: 0, handler, ...options }));
  return { handler, server, address: `127.0.0.1:${server.port}` };
}

async function startProxy(router: Router): Promise<FlakyProxy> {
  return keep(await startFlakyProxy(router.server.port));
}

function openPool(routers: readonly string[], options: Partial<RouterPoolOptions> = {}): RouterPool {
  return keep(
    createRouterPool({ routers, backoff: { initialMs: 10, maxMs: 50 }, connectWaitMs: 10_000, ...options }),
  );
}

const echo = (link: RouterPool, session = ''): RecordedCall =>
  new RecordedCall(link, callRequest({ method: 'echo', session }));

async function allReady(pool: RouterPool): Promise<void> {
  await vi.waitFor(
    () => expect(pool.routers().every((router) => router.state === 'ready')).toBe(true),
    PATIENT,
  );
}

describe('a router that dies', () => {
  test('SIGKILL in mid-call ends all its calls with OUTCOME_UNKNOWN at once', async () => {
    const router = keep(await startRouterProcess());
    const pool = openPool([`127.0.0.1:${router.port}`]);
    const calls = Array.from({ length: 200 }, () => new RecordedCall(pool, callRequest({ method: 'hold' })));
    await router.holding(200);
    await router.kill();
    const begun = performance.now();
    expect(new Set(await Promise.all(calls.map((call) => call.code())))).toEqual(
      new Set(['OUTCOME_UNKNOWN']),
    );
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(calls.every((call) => call.outcomes.length === 1)).toBe(true);
  });

  test('after its restart the next call on the same session just works', async () => {
    const first = keep(await startRouterProcess());
    const pool = openPool([`127.0.0.1:${first.port}`]);
    expect(await echo(pool, 's1').code()).toBe('ok');
    await first.kill();
    await vi.waitFor(() => expect(pool.ready).toBe(false), PATIENT);
    const waiting = echo(pool, 's1');
    expect(pool.waiting).toBe(1);
    keep(await startRouterProcess(first.port));
    expect(await waiting.code()).toBe('ok');
    expect(await echo(pool, 's1').code()).toBe('ok');
  });

  test('a half-open connection is found by pings', async () => {
    const router = await startRouter();
    const proxy = await startProxy(router);
    const pool = openPool([`127.0.0.1:${proxy.port}`], {
      limits: { keepaliveIntervalMs: 100, keepaliveTimeoutMs: 100 },
      connectTimeoutMs: 500,
    });
    const call = new RecordedCall(pool, callRequest({ method: 'hold' }));
    await router.handler.until(() => router.handler.held.length === 1);
    proxy.stall();
    expect(await call.code()).toBe('OUTCOME_UNKNOWN');
  });

  test('calls that never left are sent elsewhere, calls that may have left are not', async () => {
    const [a, b] = [await startRouter(), await startRouter()];
    const proxy = await startProxy(a);
    const pool = openPool([`127.0.0.1:${proxy.port}`, b.address]);
    await allReady(pool);
    const homedAtA = await sessionsAt(pool, a.handler, 1);
    proxy.stall();
    const left = echo(pool, homedAtA[0]);
    const params = Buffer.alloc(1024 * 1024, 'x');
    const calls = Array.from(
      { length: 60 },
      (_, at) =>
        new RecordedCall(
          pool,
          callRequest({ method: 'echo', name: `big-${at}`, params, session: homedAtA[0]! }),
        ),
    );
    expect(pool.routers()[0]!.inFlight).toBe(61);
    // Let the writes run into the stalled network.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    proxy.cut();
    expect(await left.code()).toBe('OUTCOME_UNKNOWN');
    const codes = await Promise.all(calls.map((call) => call.code()));
    expect(codes).toContain('ok');
    const runs = [...a.handler.requests, ...b.handler.requests].map((each) => each.name);
    for (let at = 0; at < calls.length; at++) {
      expect(runs.filter((name) => name === `big-${at}`).length).toBeLessThanOrEqual(1);
    }
    expect(b.handler.requests.filter((each) => each.name.startsWith('big-'))).toHaveLength(
      codes.filter((code) => code === 'ok').length,
    );
  });
});

describe('no router', () => {
  test('a call waits for the first router to come up', async () => {
    const probe = await startRouter();
    const port = probe.server.port;
    await probe.server[Symbol.asyncDispose]();
    const pool = openPool([`127.0.0.1:${port}`]);
    const call = echo(pool);
    await startRouter({ port });
    expect(await call.code()).toBe('ok');
  });

  test('a call gives up with UPSTREAM_UNAVAILABLE, or at its own deadline', async () => {
    const pool = openPool(['127.0.0.1:1'], { connectWaitMs: 100 });
    const patient = echo(pool);
    const endless = new RecordedCall(pool, callRequest({ method: 'session/stream', timeoutMs: 0 }));
    const hasty = new RecordedCall(pool, callRequest({ method: 'echo', timeoutMs: 20 }));
    expect(await hasty.code()).toBe('DEADLINE_EXCEEDED');
    expect(await patient.code()).toBe('UPSTREAM_UNAVAILABLE');
    expect(await endless.code()).toBe('UPSTREAM_UNAVAILABLE');
    expect(pool.waiting).toBe(0);
  });

  test('the queue is bounded', async () => {
    const pool = openPool(['127.0.0.1:1'], { maxWaiting: 2 });
    const [first, second] = [echo(pool), echo(pool)];
    expect(await echo(pool).code()).toBe('UPSTREAM_UNAVAILABLE');
    expect(pool.waiting).toBe(2);
    first.handle.cancel();
    second.handle.cancel();
    expect(pool.waiting).toBe(0);
  });
});

describe('drain of a router', () => {
  test('loses no call: those in flight end, new ones go to the other router', async () => {
    const [a, b] = [await startRouter(), await startRouter()];
    const pool = openPool([a.address, b.address]);
    await allReady(pool);
    const [session] = await sessionsAt(pool, a.handler, 1);
    const held = new RecordedCall(pool, callRequest({ method: 'hold', session: session! }));
    await a.handler.until(() => a.handler.held.length === 1);

    let running = true;
    const traffic = (async () => {
      const codes: string[] = [];
      while (running)
        codes.push(...(await Promise.all([echo(pool, session), echo(pool)].map((each) => each.code()))));
      return codes;
    })();
    const drained = a.server.drain(10_000);
    await vi.waitFor(() => expect(pool.routers()[0]!.state).toBe('draining'), PATIENT);
    const answer = {
      principal: { tenant: 't', id: 'p' },
      view: '',
      session: session!,
      message: Buffer.from('{}'),
    };
    pool.input(answer); // an answer for the held call still reaches it
    await a.handler.until(() => a.handler.inputs.length === 1);
    await b.handler.until(() => b.handler.requests.some((each) => each.session === session));
    expect(held.outcomes).toHaveLength(0);
    a.handler.held[0]!.sink.onResult(Buffer.from('"done"'));
    expect(await held.text()).toBe('"done"');
    await drained;
    running = false;
    expect(new Set(await traffic)).toEqual(new Set(['ok']));
    expect(a.server.links).toBe(0);
  });

  test('calls that it has not wholly received go elsewhere, and run once', async () => {
    const [a, b] = [await startRouter(), await startRouter()];
    const proxy = await startProxy(a);
    const pool = openPool([`127.0.0.1:${proxy.port}`, b.address]);
    await allReady(pool);
    const [session] = await sessionsAt(pool, a.handler, 1);
    b.handler.requests.length = 0;
    proxy.stall('up');
    const params = Buffer.alloc(1024 * 1024, 'x');
    const names = Array.from({ length: 40 }, (_, at) => `big-${at}`);
    const calls = names.map(
      (name) => new RecordedCall(pool, callRequest({ method: 'echo', name, params, session: session! })),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const drained = a.server.drain(10_000);
    await b.handler.until(() => b.handler.requests.length > 0);
    proxy.resume();
    expect(new Set(await Promise.all(calls.map((call) => call.code())))).toEqual(new Set(['ok']));
    await drained;
    const runs = [...a.handler.requests, ...b.handler.requests].map((each) => each.name);
    expect(runs.sort()).toEqual(names.sort());
  });

  test('ends endless calls at once with DRAINING, and the rest at its timeout with OUTCOME_UNKNOWN', async () => {
    const router = await startRouter();
    const pool = openPool([router.address]);
    const stuck = new RecordedCall(pool, callRequest({ method: 'hold' }));
    const stream = new RecordedCall(pool, callRequest({ method: 'session/stream', timeoutMs: 0 }));
    await router.handler.until(() => router.handler.held.length === 2);
    const drained = router.server.drain(100);
    expect(await stream.code()).toBe('DRAINING');
    expect(await stuck.code()).toBe('OUTCOME_UNKNOWN');
    await drained;
    expect(router.handler.held.map((each) => each.cancelled)).toEqual([['link'], ['link']]);
  });
});

describe('limits', () => {
  test('a gateway that disappears cancels its calls, as the link', async () => {
    const router = await startRouter();
    const proxy = await startProxy(router);
    const pool = openPool([`127.0.0.1:${proxy.port}`]);
    const call = new RecordedCall(pool, callRequest({ method: 'hold', replayStream: 'r1' }));
    await router.handler.until(() => router.handler.held.length === 1);
    proxy.cut();
    const held = router.handler.held[0]!;
    await router.handler.until(() => held.cancelled.length > 0);
    expect(held.cancelled).toEqual(['link']);
    expect(await call.code()).toBe('OUTCOME_UNKNOWN');
    held.sink.onResult(Buffer.from('{}')); // it may run on; nobody hears
    expect(await echo(pool).code()).toBe('ok');
  });

  test('more calls in flight than a link may have are OVERLOADED with a hint', async () => {
    const router = await startRouter({ maxInFlightPerLink: 2 });
    const pool = openPool([router.address]);
    const held = [1, 2].map(() => new RecordedCall(pool, callRequest({ method: 'hold' })));
    await router.handler.until(() => router.handler.held.length === 2);
    const refused = echo(pool);
    await Promise.resolve();
    expect(refused.outcomes).toMatchObject([{ error: { code: 'OVERLOADED', data: '{"retryAfterMs":100}' } }]);
    held[0]!.handle.cancel();
    expect(await echo(pool).code()).toBe('ok');
  });

  test('a gateway that ignores how many calls it may send is held to it by the router', async () => {
    const router = await startRouter({ maxInFlightPerLink: 1 });
    const client = new Client(router.address, credentials.createInsecure());
    const stream = client.makeBidiStreamRequest(
      linkMethod.path,
      linkMethod.requestSerialize,
      linkMethod.responseDeserialize,
    );
    const writer = new FrameWriter();
    const request = callRequest({ method: 'hold' });
    writer.hello({
      version: LINK_VERSION,
      window: 1_000_000,
      maxPayloadBytes: 1_000_000,
      maxInFlight: 0,
      routerId: '',
    });
    const context = new ContextTable().ofCall(request, writer);
    writer.call(1, context, 1000, request, false);
    writer.call(2, context, 1000, request, false);
    const replied = new Promise<Buffer>((resolve) => {
      stream.on('data', (batch: Buffer) => batch[4] === FRAME.ERROR && resolve(batch));
    });
    stream.on('error', () => {});
    stream.write(writer.finish());
    const reply = await replied;
    expect(reply.readUInt32LE(5)).toBe(2);
    expect(reply.toString()).toContain('OVERLOADED');
    expect(router.handler.requests).toHaveLength(1);
    stream.cancel();
    client.close();
  });

  test('payloads over the other side’s limit are refused, each alone', async () => {
    const router = await startRouter({ limits: { maxPayloadBytes: 100_000 } });
    const pool = openPool([router.address], { limits: { maxPayloadBytes: 200_000 } });
    await allReady(pool);
    const params = Buffer.alloc(100_001, 'x');
    expect(await new RecordedCall(pool, callRequest({ method: 'echo', params })).code()).toBe(
      'PAYLOAD_TOO_LARGE',
    );
    const size = (bytes: number): RecordedCall =>
      new RecordedCall(pool, callRequest({ method: 'size', name: `${bytes}` }));
    expect(await size(200_001).code()).toBe('PAYLOAD_TOO_LARGE');
    expect(await size(200_000).code()).toBe('ok');
  });

  test('a small call overtakes large ones, and large ones take turns', async () => {
    const router = await startRouter();
    const pool = openPool([router.address]);
    await allReady(pool);
    const order: string[] = [];
    const size = async (name: string, bytes: number): Promise<void> => {
      await new RecordedCall(pool, callRequest({ method: 'size', name: `${bytes}` })).outcome;
      order.push(name);
    };
    await Promise.all([size('large', 30_000_000), size('medium', 1_000_000), size('small', 10)]);
    expect(order).toEqual(['small', 'medium', 'large']);
  });

  test('a call whose messages outrun the link ends with OUTCOME_UNKNOWN, others go on', async () => {
    const router = await startRouter();
    const proxy = await startProxy(router);
    const pool = openPool([`127.0.0.1:${proxy.port}`]);
    const flood = new RecordedCall(pool, callRequest({ method: 'hold', name: 'flood' }));
    const other = new RecordedCall(pool, callRequest({ method: 'hold', name: 'other' }));
    await router.handler.until(() => router.handler.held.length === 2);
    proxy.stall();
    const [flooding, quiet] = router.handler.held;
    const message = Buffer.alloc(50_000, 'm');
    for (let sent = 0; sent < 40_000_000 && flooding!.cancelled.length === 0; sent += message.length) {
      flooding!.sink.onMessage(message);
    }
    expect(flooding!.cancelled).toEqual(['client']);
    quiet!.sink.onResult(Buffer.from('"fine"'));
    proxy.resume();
    expect(await flood.outcome).toMatchObject({ error: { code: 'OUTCOME_UNKNOWN' } });
    expect(await other.text()).toBe('"fine"');
  });
});

describe('choosing a router', () => {
  test('sessions stay at their home; when a router goes only its own sessions move', async () => {
    const routers = [await startRouter(), await startRouter(), await startRouter()];
    const pool = openPool(routers.map((each) => each.address));
    await allReady(pool);
    const sessions = Array.from({ length: 90 }, (_, at) => `session-${at}`);
    const homes = async (): Promise<number[]> => {
      for (const { handler } of routers) handler.requests.length = 0;
      await Promise.all(sessions.map((session) => echo(pool, session).outcome));
      return sessions.map((session) =>
        routers.findIndex(({ handler }) => handler.requests.some((each) => each.session === session)),
      );
    };
    const before = await homes();
    expect(await homes()).toEqual(before);
    expect(new Set(before)).toEqual(new Set([0, 1, 2]));

    await routers[1]!.server[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(pool.routers()[1]!.state).not.toBe('ready'), PATIENT);
    const after = await homes();
    expect(after).not.toContain(1);
    expect(after.filter((home, at) => home !== before[at])).toHaveLength(
      before.filter((home) => home === 1).length,
    );
  });

  test('stateless calls avoid the busier router', async () => {
    const [a, b] = [await startRouter(), await startRouter()];
    const pool = openPool([a.address, b.address]);
    await allReady(pool);
    const calls = Array.from({ length: 40 }, () => new RecordedCall(pool, callRequest({ method: 'hold' })));
    await vi.waitFor(() => expect(a.handler.held.length + b.handler.held.length).toBe(40), PATIENT);
    expect(a.handler.held).toHaveLength(20);
    for (const call of calls) call.handle.cancel();
  });
});

/** Names of sessions whose home is the router with this handler. */
async function sessionsAt(pool: RouterPool, handler: ScriptedHandler, count: number): Promise<string[]> {
  for (let at = 0; at < 50; at++) await echo(pool, `s${at}`).outcome;
  const found = [...new Set(handler.requests.map((each) => each.session))];
  handler.requests.length = 0;
  return found.slice(0, count);
}
