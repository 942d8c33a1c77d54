import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionPool } from './connection-pool.js';
import { HttpExchange } from './http-exchange.js';
import type { ExchangeEnd } from './http-exchange.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Arrived {
  readonly path: string;
  answer(): void;
}

/** A server that answers when it is told to, and counts connections. */
async function startServer(): Promise<{
  origin: string;
  opened: () => number;
  arrived: Arrived[];
  arrivals: (count: number) => Promise<void>;
  answerAll: () => void;
}> {
  const arrived: Arrived[] = [];
  let opened = 0;
  let all = false;
  let onArrival: () => void = () => undefined;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const answer = (): void => void response.end('{}');
    arrived.push({ path: request.url ?? '', answer });
    if (all) answer();
    onArrival();
  });
  server.on('connection', () => (opened += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    opened: () => opened,
    arrived,
    arrivals: async (count) => {
      while (arrived.length < count) await new Promise<void>((resolve) => (onArrival = resolve));
    },
    answerAll: () => {
      all = true;
      for (const { answer } of arrived) answer();
    },
  };
}

function poolOf(origin: string, limit: number): ConnectionPool {
  const pool = new ConnectionPool(origin, limit, {});
  closing.push(() => pool.close());
  return pool;
}

function exchangeIn(pool: ConnectionPool): { exchange: HttpExchange; ended: Promise<ExchangeEnd> } {
  let onEnd: (end: ExchangeEnd) => void = () => undefined;
  const ended = new Promise<ExchangeEnd>((resolve) => (onEnd = resolve));
  const exchange = new HttpExchange(
    1_000,
    { onMessage: () => undefined, onEnd },
    {
      onSettled: (one, end) => pool.leave(one, end !== undefined && end.failure === undefined),
      onWaiting: (one) => pool.leave(one, false),
      onSpoken: () => undefined,
    },
  );
  return { exchange, ended };
}

function post(
  pool: ConnectionPool,
  path: string,
  urgent = false,
): { exchange: HttpExchange; ended: Promise<ExchangeEnd> } {
  const made = exchangeIn(pool);
  pool.dispatch({ path, method: 'POST', body: '{}' }, made.exchange, urgent);
  return made;
}

describe('ConnectionPool', () => {
  it('brings many exchanges through few connections, in order', async () => {
    const server = await startServer();
    const pool = poolOf(server.origin, 4);
    server.answerAll();
    const exchanges = Array.from({ length: 500 }, (_, index) => post(pool, `/${index}`));
    expect([pool.working, pool.waiting]).toEqual([4, 496]);
    const ends = await Promise.all(exchanges.map(({ ended }) => ended));
    expect(ends.every(({ status }) => status === 200)).toBe(true);
    expect(server.opened()).toBe(4);
    const order = server.arrived.map(({ path }) => Number(path.slice(1)));
    expect(order.every((value, index) => Math.abs(value - index) < 8)).toBe(true);
    expect([pool.working, pool.waiting]).toEqual([0, 0]);
  });

  it('lets others work while one waits for its client, and once for each that waits', async () => {
    const server = await startServer();
    const pool = poolOf(server.origin, 1);
    const held = post(pool, '/held');
    const second = post(pool, '/second');
    const third = post(pool, '/third');
    await server.arrivals(1);
    held.exchange.waitForClient();
    held.exchange.waitForClient();
    await server.arrivals(2);
    expect([pool.working, pool.waiting, server.arrived[1]?.path]).toEqual([1, 1, '/second']);
    server.answerAll();
    expect(
      (await Promise.all([held, second, third].map(({ ended }) => ended))).map((end) => end.status),
    ).toEqual([200, 200, 200]);
    expect(server.opened()).toBe(2);
  });

  it('never sends what was given up while it waited', async () => {
    const server = await startServer();
    const pool = poolOf(server.origin, 1);
    const first = post(pool, '/first');
    const given = post(pool, '/given-up');
    const last = post(pool, '/last');
    given.exchange.abort();
    await server.arrivals(1);
    server.answerAll();
    await Promise.all([first.ended, last.ended]);
    expect(server.arrived.map(({ path }) => path)).toEqual(['/first', '/last']);
  });

  it('gives the place of one that was given up in flight to the next', async () => {
    const server = await startServer();
    const pool = poolOf(server.origin, 1);
    const first = post(pool, '/first');
    const next = post(pool, '/next');
    await server.arrivals(1);
    first.exchange.abort();
    await server.arrivals(2);
    server.answerAll();
    expect((await next.ended).status).toBe(200);
  });

  it('sends urgent ones at once, however many work', async () => {
    const server = await startServer();
    const pool = poolOf(server.origin, 1);
    const busy = post(pool, '/busy');
    await server.arrivals(1);
    const urgent = post(pool, '/urgent', true);
    await server.arrivals(2);
    server.answerAll();
    expect([(await urgent.ended).status, (await busy.ended).status]).toEqual([200, 200]);
  });

  it('goes on after a connection could not be made, and after a request that cannot be sent', async () => {
    const server = await startServer();
    const pool = poolOf('http://127.0.0.1:1', 1);
    const ends = await Promise.all([post(pool, '/a').ended, post(pool, '/b').ended]);
    expect(ends.map(({ failure, sent }) => [failure?.kind, sent])).toEqual([
      ['connection', false],
      ['connection', false],
    ]);
    const other = poolOf(server.origin, 1);
    server.answerAll();
    const broken = exchangeIn(other);
    other.dispatch({ path: '/', method: 'POST', headers: { bad: 'a\nb' } }, broken.exchange, false);
    expect((await broken.ended).failure?.kind).toBe('connection');
    expect((await post(other, '/after').ended).status).toBe(200);
  });

  it('fails what waits and what is in flight when it is closed', async () => {
    const server = await startServer();
    const pool = poolOf(server.origin, 1);
    const flying = post(pool, '/flying');
    const waiting = post(pool, '/waiting');
    await server.arrivals(1);
    await pool.close();
    expect((await flying.ended).failure?.kind).toBe('connection');
    expect(await waiting.ended).toMatchObject({ sent: false, failure: { kind: 'connection' } });
    expect((await post(pool, '/late').ended).failure?.kind).toBe('connection');
  });
});
