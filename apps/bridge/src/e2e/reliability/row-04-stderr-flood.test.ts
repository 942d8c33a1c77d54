import { afterAll, expect, test } from 'vitest';
import { holdRow, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from '../running-bridge.js';
import { faultyServer, outcomeOf, timedCall } from './fixtures/faulty-server.js';
import { cpuMs, residentBytes, watchMemory } from './fixtures/process-usage.js';

const MIB = 1024 * 1024;
const FLOOD_BYTES = 400_000_000;
const bridge = await startBridge({ topology: 'two', servers: { flooding: faultyServer() } });
afterAll(() => bridge[Symbol.asyncDispose]());

test('row 4: a stdio server floods stderr with 100 MB/s', async (context) => {
  const { pid: router } = bridge.router;
  const session = await openLegacySession(`${bridge.url}/flooding`);
  const call = async (name: string): Promise<string | number | undefined> =>
    outcomeOf((await timedCall(session, name)).reply);
  expect(await call('flooded')).toBe('0');

  const before = { memory: residentBytes(router), cpu: cpuMs(router), at: performance.now() };
  const mostMemory = watchMemory(router);
  expect(await call('flood-stderr')).toBe('flooding');
  // It goes on to answer: nothing keeps it waiting for its stderr to be read.
  const flooded = async (): Promise<number> => Number(await call('flooded'));
  const bytes = await waitFor(async () => ((await flooded()) > FLOOD_BYTES ? flooded() : 0), {
    timeoutMs: 30_000,
    what: 'the flood',
  });
  const ms = performance.now() - before.at;
  const busy = (cpuMs(router) - before.cpu) / ms;
  const grown = (mostMemory() - before.memory) / MIB;
  const lines = bridge.router.output.split('"server stderr"').length - 1;

  const rate = Math.round(bytes / ms / 1_000);
  expect(rate).toBeGreaterThanOrEqual(100);
  expect(lines).toBeGreaterThan(0);
  expect(bridge.router.output).toContain('"droppedBytes"');
  holdRow(context, [
    { what: `router memory at ${rate} MB/s +`, measured: grown, allowed: 16, unit: 'MiB' },
    { what: 'lines in the log', measured: Math.round(lines / (ms / 1_000 + 1)), allowed: 100, unit: '/s' },
    // What the others lose: the router's one thread is free for the rest of the time.
    { what: 'of the router’s thread', measured: Math.round(busy * 100), allowed: 25, unit: '%' },
  ]);
}, 60_000);
