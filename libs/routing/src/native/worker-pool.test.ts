import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture, startNativeBench } from './fixtures/native-test-kit.js';
import type { NativeBench } from './fixtures/native-test-kit.js';

const GRACE_MS = 50;
const THREADS = 2;

let bench: NativeBench;
beforeAll(async () => {
  const tools = [fixture('good/who.mjs'), fixture('good/misbehave.mjs'), fixture('good/echo.mjs')];
  // Two threads: what one call does to its own must not reach the other.
  bench = startNativeBench(tools, {
    threads: THREADS,
    memoryLimit: '64MiB',
    cancelGrace: GRACE_MS,
    maxQueue: 2,
  });
  await Promise.all([bench.call('who', {}).ended, bench.call('who', {}).ended]);
});
afterAll(() => bench.routing.close());

/** A worker answers. */
async function served(): Promise<void> {
  const { result } = await bench.call('who', {}).ended;
  expect(result).toMatchObject({ structuredContent: { principal: { tenant: 'test' } } });
}

/** Every thread is free again, and the spare one is there: each test begins with a whole pool. */
async function whole(): Promise<void> {
  for (;;) {
    const { running, ready } = bench.routing.status()['native'] as { running: number; ready: number };
    if (running === 0 && ready === THREADS + 1) return;
    // A busy loop would keep the new threads from starting.
    await pause(10);
  }
}
beforeEach(whole, 20_000);

// How soon is measured where an operator would see it: in row 16 of the bridge's reliability tests.
describe('a worker that fails is replaced, and its call alone fails', { timeout: 30_000 }, () => {
  test('it throws', async () => {
    const { result } = await bench.call('misbehave', { how: 'throw' }).ended;
    expect(result).toEqual({
      resultType: 'complete',
      content: [{ type: 'text', text: 'this went wrong' }],
      isError: true,
    });
    await served();
  });

  test.each(['exit', 'memory', 'stray'])('its end by %s', async (how) => {
    const neighbour = bench.call('misbehave', { how: 'polite' }, { timeoutMs: 25_000 });
    const { error } = await bench.call('misbehave', { how }).ended;
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(error?.message).toContain('misbehave');
    await served();
    let ended = false;
    void neighbour.ended.then(() => (ended = true));
    await bench.call('echo', { text: 'x' }).ended;
    expect(ended).toBe(false);
    neighbour.handle.cancel();
  });

  test('it loops past its deadline', async () => {
    const loops = [1, 2].map(() => bench.call('misbehave', { how: 'loop' }, { timeoutMs: 100 }).ended);
    const outcomes = await Promise.all(loops);
    expect(outcomes.map(({ error }) => error?.code)).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
    // Both loops are ended after the grace; before that no call gets a thread.
    await served();
  });
});

test('a cancelled call leaves its thread as soon as its handler notices', { timeout: 30_000 }, async () => {
  const calls = [1, 2].map(() => bench.call('misbehave', { how: 'polite' }));
  await bench.call('echo', { text: 'x' }).ended;
  for (const { handle } of calls) handle.cancel();
  await served();
});

test('a full queue refuses at once, and says when to come back', { timeout: 30_000 }, async () => {
  const busy = [1, 2].map(() => bench.call('misbehave', { how: 'polite' }));
  await bench.call('echo', { text: 'x' }).ended;
  const waiting = [bench.call('who', {}), bench.call('who', {})];
  await bench.call('echo', { text: 'x' }).ended;
  const { error } = await bench.call('who', {}).ended;
  expect(error).toMatchObject({ code: 'OVERLOADED', data: expect.stringContaining('retryAfterMs') });
  const outside = bench.call('who', {}, { principal: { tenant: 'other', id: 'eve' } });
  await bench.call('echo', { text: 'x' }).ended;
  for (const { handle } of busy) handle.cancel();
  const outcomes = await Promise.all([...waiting, outside].map(({ ended }) => ended));
  // The tenant with the most waiting gave way to the one with none.
  expect(outcomes.map((outcome) => outcome.error?.code)).toEqual([undefined, 'OVERLOADED', undefined]);
});
