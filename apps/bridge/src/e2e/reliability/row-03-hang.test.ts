import { afterAll, expect, test } from 'vitest';
import { holdRow, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from '../running-bridge.js';
import { faultyServer, outcomeOf, pidOf, timedCall } from './fixtures/faulty-server.js';
import { p99BesideFault } from './fixtures/latency.js';

const DEADLINE_MS = 2_000;
const HANGING = 50;
const bridge = await startBridge({
  servers: { frozen: faultyServer({ timeout: DEADLINE_MS }), fine: faultyServer() },
});
afterAll(() => bridge[Symbol.asyncDispose]());

test('row 3: a stdio server hangs (SIGSTOP)', async (context) => {
  const hanging = await openLegacySession(`${bridge.url}/frozen`);
  const sameServer = await openLegacySession(`${bridge.url}/frozen`);
  const otherServer = await openLegacySession(`${bridge.url}/fine`);
  const pid = await waitFor(() => pidOf(hanging), { what: 'the process' });
  const waits: number[] = [];
  let calls: Promise<void>[] = [];
  const freeze = async (): Promise<void> => {
    process.kill(pid, 'SIGSTOP');
    calls = Array.from({ length: HANGING }, async () => {
      const { reply, ms } = await timedCall(hanging, 'echo', { text: 'late' });
      expect(outcomeOf(reply)).toBe(-31002);
      waits.push(ms);
    });
  };
  const thaw = async (): Promise<void> => {
    await Promise.all(calls);
    process.kill(pid, 'SIGCONT');
    // What comes late is given to nobody.
    expect(outcomeOf((await timedCall(hanging, 'echo', { text: 'thawed' })).reply)).toBe('thawed');
  };
  const others = [
    await p99BesideFault('p99 of another session of it', sameServer, freeze, thaw),
    await p99BesideFault('p99 of another server', otherServer, freeze, thaw),
  ];
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
  const late = Math.round(Math.max(...waits) - DEADLINE_MS);
  holdRow(context, [
    { what: 'answered −31002 after the deadline', measured: late, allowed: 250, unit: 'ms' },
    ...others,
  ]);
}, 120_000);
