import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, openEvents, post, send } from '../test-client.js';
import { json, startTestGateway, type TestGateway } from '../test-gateway.js';
import { parseEventId } from './session-stream.js';

let gateway: TestGateway;
let headers: Record<string, string>;
beforeEach(async () => {
  gateway = await startTestGateway({ config: { keepAlive: 80 } });
  ({ headers } = await initialize(gateway.url));
});
afterEach(() => gateway.close());

const change = (n: number) =>
  json({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { n } });
const get = (extra: Record<string, string> = {}) =>
  openEvents(gateway.url, { headers: { accept: 'text/event-stream', ...headers, ...extra } });

describe('the GET stream', () => {
  it('opens a stream at the home router, primed and numbered, and kept alive by comments', async () => {
    const stream = await get();
    expect(stream.status).toBe(200);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    const { request, sink } = await gateway.router.nth('session/stream');
    expect(request).toMatchObject({ timeoutMs: 0, clientRequestId: 'null', protocolVersion: '2025-11-25' });
    expect(request.replayStream).toMatch(/^g[0-9a-z]+$/);
    expect(await stream.next()).toMatchObject({ id: `${request.replayStream}-0`, data: '' });
    await stream.untilComments(2);
    sink.onMessage(change(1));
    sink.onMessage(change(2));
    expect(await stream.next()).toMatchObject({
      id: `${request.replayStream}-1`,
      data: change(1).toString(),
    });
    expect(await stream.next()).toMatchObject({
      id: `${request.replayStream}-2`,
      data: change(2).toString(),
    });
    sink.onResult(json({}));
    expect(await stream.next()).toBeUndefined();
  });

  it('is not primed before 2025-11-25', async () => {
    ({ headers } = await initialize(gateway.url, '2025-06-18'));
    const stream = await get();
    const { request, sink } = await gateway.router.nth('session/stream');
    sink.onMessage(change(1));
    expect(await stream.next()).toMatchObject({ id: `${request.replayStream}-1` });
    stream.close();
  });

  it('tells the router when the client leaves, who may come back', async () => {
    const stream = await get();
    const call = await gateway.router.nth('session/stream');
    await stream.next();
    stream.close();
    await gateway.router.until(() => call.cancelled === 'link');
  });

  it('is 405 for who does not accept it, 400 without a session, 404 with a foreign one', async () => {
    expect((await get({ accept: 'application/json' })).status).toBe(405);
    expect((await get({ 'mcp-session-id': '' })).status).toBe(400);
    expect((await get({ 'mcp-session-id': 'made-up' })).status).toBe(404);
    expect((await get({ 'mcp-protocol-version': '1999-01-01' })).status).toBe(400);
    expect(gateway.router.callsOf('session/stream')).toEqual([]);
  });

  it('is 404 when the router does not know the session, from then on without asking', async () => {
    gateway.router.on('session/stream', (call) =>
      call.sink.onError(new BridgeError('SESSION_NOT_FOUND', 'Gone')),
    );
    expect((await get()).status).toBe(404);
    expect((await get()).status).toBe(404);
    expect(gateway.router.callsOf('session/stream')).toHaveLength(1);
  });

  it('may be open four times, as half-dead connections need, and no more', async () => {
    const streams = [];
    for (let n = 0; n < 4; n += 1) streams.push(await get());
    expect((await get()).status).toBe(409);
    const first = await gateway.router.nth('session/stream');
    streams[0]!.close();
    await gateway.router.until(() => first.cancelled);
    expect((await get()).status).toBe(200);
  });

  it('ends when the session is ended', async () => {
    gateway.router.on('session/end', (call) => call.sink.onResult(json({})));
    const stream = await get();
    await stream.next();
    await send(gateway.url, { method: 'DELETE', headers });
    await stream.rest();
    expect((await get()).status).toBe(404);
  });

  it('is closed for polling where the router says so', async () => {
    const stream = await get();
    const { sink } = await gateway.router.nth('session/stream');
    await stream.next();
    sink.onMessage(
      json({ jsonrpc: '2.0', method: 'notifications/bridge/close_stream', params: { retryMs: 5 } }),
    );
    expect(await stream.rest()).toMatchObject([{ retry: 5, data: '' }]);
  });
});

describe('resuming', () => {
  it('asks the router for what came after the last event, and numbers on', async () => {
    const opening = get({ 'last-event-id': 'p0123456789abcdef1-3' });
    const { request, sink } = await gateway.router.nth('session/resume');
    expect(JSON.parse(request.params.toString())).toEqual({ stream: 'p0123456789abcdef1', after: 3 });
    expect([request.timeoutMs, request.replayStream]).toEqual([0, '']);
    const reply = json({ jsonrpc: '2.0', id: 'c1', result: {} });
    sink.onMessage(change(4));
    sink.onMessage(reply);
    sink.onResult(json({}));
    const events = await (await opening).rest();
    // The first repeats where the client is, so that losing this connection too loses nothing.
    expect(events.map((event) => event.id)).toEqual([3, 4, 5].map((seq) => `p0123456789abcdef1-${seq}`));
    expect(events.map((event) => event.data)).toEqual(['', change(4).toString(), reply.toString()]);
  });

  it('is refused when nothing is kept of a request stream', async () => {
    gateway.router.on('session/resume', (call) =>
      call.sink.onError(new BridgeError('INVALID_PARAMS', 'Nothing kept')),
    );
    const stream = await get({ 'last-event-id': 'p0123456789abcdef1-3' });
    expect(stream.status).toBe(400);
  });

  it.each([
    'x',
    'p0123456789abcdef1',
    'p0123456789abcdef1-',
    'p0123456789abcdef1--1',
    'q0123456789abcdef1-1',
    'p"},{-1',
  ])('refuses the event id %s', async (id) => {
    expect((await get({ 'last-event-id': id })).status).toBe(400);
    expect(gateway.router.callsOf('session/resume')).toEqual([]);
  });

  it('of a GET stream goes on as a new one after what was missed, or when that is gone', async () => {
    gateway.router.on('session/resume', (call) => {
      if (gateway.router.callsOf('session/resume').length > 1) {
        call.sink.onError(new BridgeError('INVALID_PARAMS', 'Nothing kept'));
        return;
      }
      call.sink.onMessage(change(8));
      call.sink.onResult(json({}));
    });
    const first = await get({ 'last-event-id': 'g0123456789abcdef1-7' });
    const live = await gateway.router.nth('session/stream');
    live.sink.onMessage(change(1));
    const ids = [];
    for (let n = 0; n < 4; n += 1) ids.push((await first.next())?.id);
    const { replayStream } = live.request;
    expect(ids).toEqual([
      'g0123456789abcdef1-7',
      'g0123456789abcdef1-8',
      `${replayStream}-0`,
      `${replayStream}-1`,
    ]);
    first.close();

    const second = await get({ 'last-event-id': 'g0123456789abcdef1-1' });
    const fresh = await gateway.router.nth('session/stream', 1);
    expect((await second.next())?.id).toBe(`${fresh.request.replayStream}-0`);
  });
});

describe('a link that breaks', () => {
  it('is repaired unseen: the stream is resumed where the client is', async () => {
    const stream = await get();
    const first = await gateway.router.nth('session/stream');
    first.sink.onMessage(change(1));
    first.sink.onError(new BridgeError('OUTCOME_UNKNOWN', 'The router died'));
    const resumed = await gateway.router.nth('session/resume');
    const { replayStream } = first.request;
    expect(JSON.parse(resumed.request.params.toString())).toEqual({ stream: replayStream, after: 1 });
    resumed.sink.onMessage(change(2));
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push((await stream.next())?.id);
    expect(ids).toEqual([0, 1, 2].map((seq) => `${replayStream}-${seq}`));
  });

  it('is tried again, longer and longer, while the client stays', async () => {
    gateway.router.on('session/resume', (call) =>
      call.sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'No router')),
    );
    const stream = await get();
    const first = await gateway.router.nth('session/stream');
    first.sink.onError(new BridgeError('OUTCOME_UNKNOWN', 'The router died'));
    await gateway.router.nth('session/resume', 2);
    gateway.router.on('session/resume', (call) =>
      call.sink.onError(new BridgeError('INVALID_PARAMS', 'Unknown here')),
    );
    const anew = await gateway.router.nth('session/stream', 1);
    anew.sink.onMessage(change(9));
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push((await stream.next())?.id);
    expect(ids).toEqual([
      `${first.request.replayStream}-0`,
      `${anew.request.replayStream}-0`,
      `${anew.request.replayStream}-1`,
    ]);
    // One client, one stream: the repairs left none behind.
    expect((await post(gateway.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers)).status).toBe(200);
  });

  it('is left alone when the client has gone', async () => {
    gateway.router.on('session/resume', (call) =>
      call.sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'No router')),
    );
    const lost = new BridgeError('OUTCOME_UNKNOWN', 'The router died');
    const resumesOf = (session: string): number =>
      gateway.router.callsOf('session/resume').filter(({ request }) => request.session === session).length;
    const gone = await get();
    const first = await gateway.router.nth('session/stream');
    first.sink.onError(lost);
    await gateway.router.nth('session/resume');
    gone.close();
    await gone.rest();
    const before = resumesOf(first.request.session);
    // Another client, who stays, is tried again three times meanwhile.
    const stays = await get((await initialize(gateway.url)).headers);
    const second = await gateway.router.nth('session/stream', 1);
    second.sink.onError(lost);
    await gateway.router.until(() => resumesOf(second.request.session) === 3);
    expect(resumesOf(first.request.session) - before).toBeLessThanOrEqual(1);
    stays.close();
  });
});

describe('event ids', () => {
  it('are parsed as they are made', () => {
    expect(parseEventId('g0123456789abcdefzz-12')).toEqual({ stream: 'g0123456789abcdefzz', seq: 12 });
    expect(parseEventId('g0123456789abcdefzz-1234567890')).toBeUndefined();
  });
});
