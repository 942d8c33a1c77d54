import { afterAll, expect, test } from 'vitest';
import { holdRow, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from '../running-bridge.js';
import { faultyServer, outcomeOf, pidOf, timedCall } from './fixtures/faulty-server.js';
import { p99BesideFault } from './fixtures/latency.js';
import { residentBytes, watchMemory } from './fixtures/process-usage.js';

const MIB = 1024 * 1024;
const MAX_MESSAGE_BYTES = 4 * MIB;
/** What a line that is being read may hold, and as much again for what the collector has not freed yet. */
const MEMORY_ALLOWED = 8 * MAX_MESSAGE_BYTES;
/** The tool of the server, and what it writes to stdout. */
const FAULTS = {
  'garbage-lines': 'broken messages',
  'garbage-bytes': 'bytes',
  'endless-line': 'one endless line',
};

const bridge = await startBridge({
  topology: 'two',
  servers: { broken: faultyServer(), fine: faultyServer() },
});
afterAll(() => bridge[Symbol.asyncDispose]());

test('row 5: garbage or an endless line on stdout', async (context) => {
  const { pid: router } = bridge.router;
  const fine = await openLegacySession(`${bridge.url}/fine`);
  const waits: number[] = [];
  const grown: number[] = [];
  const others = [];
  for (const [tool, fault] of Object.entries(FAULTS)) {
    let before = 0;
    let mostMemory = (): number => 0;
    let calls: Promise<void>[] = [];
    const begin = async (): Promise<void> => {
      // A session of its own for each: one that broke its process five times would wait.
      const broken = await openLegacySession(`${bridge.url}/broken`);
      await waitFor(() => pidOf(broken), { what: 'the process' });
      before = residentBytes(router);
      mostMemory = watchMemory(router);
      calls = [tool, 'hang'].map(async (name) => {
        const { reply, ms } = await timedCall(broken, name);
        expect([name, outcomeOf(reply)]).toEqual([name, -31004]);
        waits.push(ms);
      });
    };
    const end = async (): Promise<void> => {
      await Promise.all(calls);
      grown.push(mostMemory() - before);
    };
    others.push(await p99BesideFault(`p99 beside ${fault}`, fine, begin, end));
  }
  holdRow(context, [
    { what: 'answered −31004 after', measured: Math.round(Math.max(...waits)), allowed: 1_000, unit: 'ms' },
    {
      what: 'router memory +',
      measured: Math.max(...grown) / MIB,
      allowed: MEMORY_ALLOWED / MIB,
      unit: 'MiB',
    },
    ...others,
  ]);
}, 120_000);
