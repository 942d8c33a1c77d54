import { afterAll, expect, test } from 'vitest';
import { holdRow, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from '../running-bridge.js';
import { faultyServer, outcomeOf, pidOf, timedCall } from './fixtures/faulty-server.js';

const CRASHES = 5;
const bridge = await startBridge({ servers: { crashing: faultyServer({ isolation: 'shared' }) } });
afterAll(() => bridge[Symbol.asyncDispose]());

test('row 1: a stdio server is killed while idle', async (context) => {
  const session = await openLegacySession(`${bridge.url}/crashing`);
  const nextPid = (what: string): Promise<number> => waitFor(() => pidOf(session), { what });
  let current = await nextPid('the first process');
  let slowestMs = 0;
  for (let crash = 1; crash < CRASHES; crash += 1) {
    const killedAt = performance.now();
    process.kill(current, 'SIGKILL');
    // A call that reaches the pipe before the end of the process is noticed may have run, and is not repeated.
    const next = await nextPid('an answer of the new process');
    slowestMs = Math.max(slowestMs, performance.now() - killedAt);
    expect(next).not.toBe(current);
    current = next;
  }

  // The fifth in 30 s: no further process, and callers are told at once when to come again.
  process.kill(current, 'SIGKILL');
  const refused = await waitFor(
    async () => {
      const call = await timedCall(session, 'pid');
      return outcomeOf(call.reply) === -31001 ? call : undefined;
    },
    { what: 'the refusal' },
  );
  const { retryAfterMs } = refused.reply.message.error?.data as { retryAfterMs: number };
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(retryAfterMs).toBeLessThanOrEqual(1_000);
  expect(await nextPid('the end of the backoff')).not.toBe(current);

  holdRow(context, [
    { what: 'answered by a new process after', measured: Math.round(slowestMs), allowed: 1_000, unit: 'ms' },
    { what: 'crashes in 30 s until the breaker opens', measured: CRASHES, allowed: 5, unit: 'crashes' },
    { what: 'refused while it is open after', measured: Math.round(refused.ms), allowed: 250, unit: 'ms' },
  ]);
}, 60_000);
