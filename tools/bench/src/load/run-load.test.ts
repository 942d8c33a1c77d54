import { expect, test } from 'vitest';
import type { LoadConnection } from './connection.js';
import { runLoad } from './run-load.js';

const RUN_MS = 400;
const STALL_MS = 200;

test('a constant rate is kept, and answers count from the sending where a connection was free', async () => {
  const connections = Array.from({ length: 8 }, () => connection((reply) => setImmediate(reply)));
  const sample = await runLoad(connections, RUN_MS, { ratePerSecond: 500 });
  expect(sample.errors).toBe(0);
  expect(sample.requests + sample.unsent!).toBe(200);
  expect(sample.generatorLagMs).toBeGreaterThan(0);
  // Counted from when they were due, half of them would have waited for a timer of 1 ms and more.
  expect(sample.latency.p50).toBeLessThan(sample.generatorLagMs! + 1.5);
});

test('a server that stalls is charged for all requests that it kept waiting, in a closed loop for one', async () => {
  // One answer takes long; while it does, the only connection is busy.
  const stallingOnce = (): LoadConnection => {
    let answers = 0;
    return connection((reply) => ((answers += 1) === 10 ? setTimeout(reply, STALL_MS) : setImmediate(reply)));
  };
  const rate = await runLoad([stallingOnce()], RUN_MS, { ratePerSecond: 200 });
  const loop = await runLoad([stallingOnce()], RUN_MS);
  expect(rate.requests + rate.unsent!).toBe(80);
  // 40 of the 80 were due during the stall.
  expect(rate.latency.p95).toBeGreaterThan(STALL_MS * 0.7);
  expect(loop.latency.p95).toBeLessThan(STALL_MS * 0.5);
});

test('requests that never went out are told, with the time that they waited', async () => {
  const silent = connection(() => {});
  const sample = await runLoad([silent, connection((reply) => setImmediate(() => reply()))], RUN_MS, {
    ratePerSecond: 100,
  });
  expect(sample.errors).toBe(1);

  const lone = await runLoad([connection((reply) => setTimeout(reply, RUN_MS * 2))], RUN_MS, {
    ratePerSecond: 100,
  });
  expect(lone).toMatchObject({ requests: 1, unsent: 39, errors: 0 });
  expect(lone.latency.max).toBeGreaterThan(RUN_MS * 0.9);
}, 20_000);

test('a lost connection fails the request on it, and the others take its share', async () => {
  const dying: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () => void setImmediate(() => dying.onClose()),
    close: () => {},
  };
  const sample = await runLoad([dying, connection((reply) => setImmediate(reply))], RUN_MS, {
    ratePerSecond: 100,
  });
  expect(sample.errors).toBe(1);
  expect(sample.requests + sample.unsent!).toBe(39);
});

test('the timeline holds every answer', async () => {
  const sample = await runLoad([connection((reply) => setImmediate(reply))], RUN_MS, { timelineMs: 100 });
  const answered = sample.timeline!.reduce((sum, point) => sum + point.answered, 0);
  expect(answered).toBe(sample.requests);
  expect(sample.timeline!.length).toBeGreaterThanOrEqual(4);
});

/** A connection to nothing: `answer` decides when the reply comes. */
function connection(answer: (reply: () => void) => unknown): LoadConnection {
  const own: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () => void answer(() => own.onReply(true)),
    close: () => {},
  };
  return own;
}
