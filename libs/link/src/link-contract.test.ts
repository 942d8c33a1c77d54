import { afterEach, describe, expect, test } from 'vitest';
import { type DeadlineWheel, createDeadlineWheel } from './deadline-wheel.js';
import { createInProcessLink } from './in-process-link.js';
import type { CallRequest, Link } from './link.js';
import { startLinkServer } from './link-server.js';
import { createRouterPool } from './router-pool.js';
import { RecordedCall, callRequest } from './testing/recorded-call.js';
import { ScriptedHandler } from './testing/scripted-handler.js';

interface Setup {
  readonly link: Link;
  readonly handler: ScriptedHandler;
  readonly deadlines: DeadlineWheel;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const kinds: readonly [string, (handler: ScriptedHandler, deadlines: DeadlineWheel) => Promise<Link>][] = [
  ['in-process', async (handler, deadlines) => createInProcessLink(handler, { deadlines })],
  [
    'gRPC',
    async (handler, deadlines) => {
      const server = await startLinkServer({ host: '127.0.0.1', port: 0, handler });
      cleanups.push(async () => server[Symbol.asyncDispose]());
      return createRouterPool({ routers: [`127.0.0.1:${server.port}`], deadlines });
    },
  ],
];

describe.each(kinds)('%s link', (_kind, open) => {
  async function setUp(): Promise<Setup> {
    const handler = new ScriptedHandler();
    const deadlines = createDeadlineWheel();
    const link = await open(handler, deadlines);
    cleanups.push(async () => link[Symbol.asyncDispose]());
    return { link, handler, deadlines };
  }

  test('brings back the result', async () => {
    const { link } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'echo', params: Buffer.from('{"a":1}') }));
    expect(call.outcomes).toHaveLength(0); // never before call() has returned
    expect(await call.text()).toBe('{"a":1}');
    expect(link.ready).toBe(true);
  });

  test('carries every field of a request', async () => {
    const { link, handler } = await setUp();
    const full = callRequest({
      principal: { tenant: 'tenant-ü', id: 'bob' },
      view: 'readonly',
      method: 'a/method of its own',
      name: 'server__tool',
      params: Buffer.from('{"name":"tool","_meta":{"progressToken":7}}'),
      spans: {
        nameStart: 8,
        nameEnd: 14,
        metaStart: 23,
        metaEnd: 42,
        progressTokenStart: 40,
        progressTokenEnd: 41,
      },
      clientRequestId: '"id-😀"',
      protocolVersion: '2026-07-28',
      capabilities: '{"elicitation":{}}',
      clientInfo: '{"name":"c"}',
      session: 'session-1',
      logLevel: 'debug',
      timeoutMs: 60_000,
      paramHeaders: '{"mcp-param-region":"eu"}',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      replayStream: 'stream-1',
    });
    const call = new RecordedCall(link, full);
    await handler.until(() => handler.held.length === 1);
    const arrived = handler.held[0]!.request;
    expect({ ...arrived, timeoutMs: 0 }).toEqual({ ...full, timeoutMs: 0 });
    expect(arrived.timeoutMs).toBeGreaterThan(50_000);
    expect(arrived.timeoutMs).toBeLessThanOrEqual(60_000);
    call.handle.cancel();
  });

  test('brings back an error with its code, number, message and data', async () => {
    const { link } = await setUp();
    const outcome = await new RecordedCall(link, callRequest({ method: 'fail' })).outcome;
    expect(outcome).toMatchObject({
      error: { code: 'UPSTREAM_ERROR', rpcCode: -32042, message: 'no such file – ñ', data: '{"path":"/x"}' },
    });
  });

  test('delivers messages in order, and all before the result', async () => {
    const { link } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'notes', name: '5000' }));
    await call.outcome;
    expect(call.messages).toEqual(Array.from({ length: 5000 }, (_, at) => `{"n":${at}}`));
  });

  test('ends a call once, however often the handler answers', async () => {
    const { link } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'twice' }));
    expect(await call.text()).toBe('"first"');
    await new RecordedCall(link, callRequest({ method: 'echo' })).outcome;
    expect(call.outcomes).toHaveLength(1);
    expect(call.messages).toHaveLength(0);
  });

  test('tells the handler of a cancel, and the sink hears nothing more', async () => {
    const { link, handler } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'hold' }));
    await handler.until(() => handler.held.length === 1);
    call.handle.cancel();
    call.handle.cancel();
    const held = handler.held[0]!;
    await handler.until(() => held.cancelled.length > 0);
    held.sink.onMessage(Buffer.from('{}'));
    held.sink.onResult(Buffer.from('{}'));
    await new RecordedCall(link, callRequest({ method: 'echo' })).outcome;
    expect(held.cancelled).toEqual(['client']);
    expect(call.outcomes).toHaveLength(0);
    expect(call.messages).toHaveLength(0);
  });

  test('passes on that a cancel is the link’s doing', async () => {
    const { link, handler } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'hold' }));
    await handler.until(() => handler.held.length === 1);
    call.handle.cancel('link');
    await handler.until(() => handler.held[0]!.cancelled.length > 0);
    expect(handler.held[0]!.cancelled).toEqual(['link']);
  });

  test('a cancel at once leaves nothing running and nothing reported', async () => {
    const { link, handler } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'hold' }));
    call.handle.cancel();
    await new RecordedCall(link, callRequest({ method: 'echo' })).outcome;
    await handler.until(() => handler.held.every((held) => held.cancelled.length === 1));
    expect(call.outcomes).toHaveLength(0);
  });

  test('carries 4 MB both ways, while small calls pass', async () => {
    const { link } = await setUp();
    const params = Buffer.alloc(4 * 1024 * 1024);
    for (let at = 0; at < params.length; at++) params[at] = (at * 31) & 0xff;
    const large = Array.from(
      { length: 3 },
      () => new RecordedCall(link, callRequest({ method: 'echo', params })),
    );
    const small = Array.from(
      { length: 200 },
      (_, at) => new RecordedCall(link, callRequest({ method: 'echo', params: Buffer.from(`${at}`) })),
    );
    expect(await Promise.all(small.map((call) => call.text()))).toEqual(small.map((_, at) => `${at}`));
    for (const call of large) {
      const outcome = await call.outcome;
      expect('result' in outcome && outcome.result.equals(params)).toBe(true);
    }
  });

  test('answers DEADLINE_EXCEEDED at the deadline and cancels the handler', async () => {
    const { link, handler } = await setUp();
    // The first call waits for the connection.
    await new RecordedCall(link, callRequest({ method: 'echo' })).outcome;
    const begun = performance.now();
    const call = new RecordedCall(link, callRequest({ method: 'hold', timeoutMs: 60 }));
    expect(await call.code()).toBe('DEADLINE_EXCEEDED');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(60);
    await handler.until(() => handler.held[0]?.cancelled.length === 1);
    handler.held[0]!.sink.onResult(Buffer.from('{}'));
    await new RecordedCall(link, callRequest({ method: 'echo' })).outcome;
    expect(call.outcomes).toHaveLength(1);
  });

  test('keeps no deadline of a call that has ended', async () => {
    const { link, deadlines } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'echo' }));
    const cancelled = new RecordedCall(link, callRequest({ method: 'hold' }));
    expect(deadlines.size).toBeGreaterThanOrEqual(1);
    await call.outcome;
    cancelled.handle.cancel();
    expect(deadlines.size).toBe(0);
  });

  test('keeps a thousand concurrent calls apart', async () => {
    const { link, handler } = await setUp();
    const calls = Array.from(
      { length: 1000 },
      (_, at) =>
        new RecordedCall(
          link,
          callRequest({
            method: 'hold',
            name: `${at}`,
            principal: { tenant: `t${at % 7}`, id: `p${at % 50}` },
          }),
        ),
    );
    await handler.until(() => handler.held.length === 1000);
    for (const held of [...handler.held].reverse()) {
      const { tenant, id } = held.request.principal;
      held.sink.onMessage(Buffer.from(`message ${held.request.name}`));
      held.sink.onResult(Buffer.from(`${held.request.name} ${tenant} ${id} ${held.request.clientRequestId}`));
    }
    const texts = await Promise.all(calls.map((call) => call.text()));
    expect(texts).toEqual(calls.map((_, at) => `${at} t${at % 7} p${at % 50} 1`));
    calls.forEach((call, at) => expect(call.messages).toEqual([`message ${at}`]));
  });

  test('turns a throw of the handler into INTERNAL without its text', async () => {
    const { link } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'throw' }));
    expect(await call.text()).toBe('INTERNAL: Internal error');
  });

  test('survives a sink that throws', async () => {
    const { link } = await setUp();
    await new Promise<void>((resolve) => {
      link.call(callRequest({ method: 'echo' }), {
        onMessage() {},
        onResult() {
          resolve();
          throw new Error('broken receiver');
        },
        onError() {},
      });
    });
    expect(await new RecordedCall(link, callRequest({ method: 'echo' })).code()).toBe('ok');
  });

  test('brings input to the handler, and survives a handler that throws on it', async () => {
    const { link, handler } = await setUp();
    await new RecordedCall(link, callRequest({ method: 'echo' })).outcome;
    const principal = { tenant: 'acme', id: 'alice' };
    const large = Buffer.alloc(300_000, 'x');
    link.input({ principal, view: 'v', session: 'throw', message: Buffer.from('{}') });
    link.input({ principal, view: 'v', session: 's1', message: Buffer.from('{"id":"srv-1","result":{}}') });
    link.input({ principal, view: 'v', session: 's1', message: large });
    await handler.until(() => handler.inputs.length === 2);
    expect(handler.inputs[0]).toEqual({
      principal,
      view: 'v',
      session: 's1',
      message: Buffer.from('{"id":"srv-1","result":{}}'),
    });
    expect(handler.inputs[1]!.message.equals(large)).toBe(true);
  });

  describe('a result that may be kept', () => {
    const list = (fields: Partial<CallRequest> = {}): CallRequest =>
      callRequest({ method: 'tools/list', ...fields });
    const META: Partial<CallRequest> = {
      params: Buffer.from('{"_meta":{"a":1}}'),
      spans: { ...callRequest({ method: '' }).spans, metaStart: 9, metaEnd: 16 },
    };

    /** Makes a call, and has the handler answer it when it gets there. */
    async function ask({ link, handler }: Setup, fields: Partial<CallRequest>, answer: string, epoch = 0) {
      const before = handler.held.length;
      const call = new RecordedCall(link, list(fields));
      expect(call.outcomes).toHaveLength(0); // never before call() has returned
      const arrived = handler.until(() => handler.held.length > before).then(() => 'arrived');
      if ((await Promise.race([call.outcome, arrived])) === 'arrived')
        handler.held[before]!.sink.onResult(Buffer.from(answer), { forMs: 60_000, epoch });
      return call.text();
    }

    test('answers the next such request, whatever its id and _meta', async () => {
      const set = await setUp();
      expect(await ask(set, {}, '"first"')).toBe('"first"');
      expect(await ask(set, { clientRequestId: '2', traceparent: 't' }, '"second"')).toBe('"first"');
      expect(await ask(set, META, '"third"')).toBe('"first"');
      expect(set.handler.held).toHaveLength(1);
    });

    test.each<[string, Partial<CallRequest>]>([
      ['another principal', { principal: { tenant: 'acme', id: 'bob' } }],
      ['another tenant', { principal: { tenant: 'acme ', id: 'alice' } }],
      ['another view', { view: 'v' }],
      ['another revision', { protocolVersion: '2026-07-28' }],
      ['another method', { method: 'prompts/list' }],
      ['a further page', { params: Buffer.from('{"cursor":"x"}') }],
      ['a further page with _meta', { ...META, params: Buffer.from('{"_meta":{"a":1},"cursor":"x"}') }],
      ['a session that has not asked', { session: 's' }],
    ])('answers no request of %s', async (_what, fields) => {
      const set = await setUp();
      await ask(set, {}, '"first"');
      expect(await ask(set, fields, '"other"')).toBe('"other"');
    });

    test('is not given again once it is stale, nor kept when it was made before', async () => {
      const set = await setUp();
      await ask(set, {}, '"first"', 4);
      set.handler.stale(5);
      // What the router sent before this reply has arrived.
      await new RecordedCall(set.link, callRequest({ method: 'echo' })).outcome;
      expect(await ask(set, {}, '"late"', 4)).toBe('"late"');
      expect(await ask(set, {}, '"second"', 5)).toBe('"second"');
      expect(await ask(set, {}, '"third"', 5)).toBe('"second"');
    });

    test('is given again to each session that was given one, until the router says no', async () => {
      const set = await setUp();
      const [one, two] = [{ session: 'one' }, { session: 'two' }];
      expect(await ask(set, one, '"first"')).toBe('"first"');
      expect(await ask(set, one, '"second"')).toBe('"first"');
      expect(await ask(set, two, '"third"')).toBe('"third"');
      expect(await ask(set, one, '"fourth"')).toBe('"third"');
      set.handler.sessionStale('one');
      await new RecordedCall(set.link, callRequest({ method: 'echo' })).outcome;
      // For good: a reply from before may still be on its way.
      expect(await ask(set, one, '"fifth"')).toBe('"fifth"');
      expect(await ask(set, one, '"sixth"')).toBe('"sixth"');
      expect(await ask(set, two, '"seventh"')).toBe('"sixth"');
    });

    test('is not given again after its time', async () => {
      const set = await setUp();
      const call = new RecordedCall(set.link, list());
      await set.handler.until(() => set.handler.held.length === 1);
      set.handler.held[0]!.sink.onResult(Buffer.from('"first"'), { forMs: 0, epoch: 0 });
      await call.outcome;
      expect(await ask(set, {}, '"second"')).toBe('"second"');
    });

    test('is no more watched over when the link is gone', async () => {
      const set = await setUp();
      await ask(set, {}, '"first"');
      expect(set.handler.watchers).toBe(1);
      await set.link[Symbol.asyncDispose]();
      await expect.poll(() => set.handler.watchers).toBe(0);
    });
  });

  test('drain lets calls end, refuses new ones and ends endless ones', async () => {
    const { link, handler } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'hold' }));
    const stream = new RecordedCall(link, callRequest({ method: 'session/stream', timeoutMs: 0 }));
    await handler.until(() => handler.held.length === 2);
    const drained = link.drain(10_000);
    expect(await stream.code()).toBe('DRAINING');
    expect(await new RecordedCall(link, callRequest({ method: 'echo' })).code()).toBe('DRAINING');
    expect(call.outcomes).toHaveLength(0);
    handler.held[0]!.sink.onResult(Buffer.from('"done"'));
    expect(await call.text()).toBe('"done"');
    await drained;
    expect(link.ready).toBe(false);
  });

  test('drain ends the rest with OUTCOME_UNKNOWN at its timeout and cancels them as the link', async () => {
    const { link, handler } = await setUp();
    const call = new RecordedCall(link, callRequest({ method: 'hold' }));
    await handler.until(() => handler.held.length === 1);
    await link.drain(20);
    expect(await call.code()).toBe('OUTCOME_UNKNOWN');
    await handler.until(() => handler.held[0]!.cancelled.length > 0);
    expect(handler.held[0]!.cancelled).toEqual(['link']);
  });
});
