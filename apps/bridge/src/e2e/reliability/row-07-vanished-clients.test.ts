import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { descendantsOf, holdRow, isRunning, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from '../running-bridge.js';
import { outcomeOf, timedCall } from './fixtures/faulty-server.js';
import { INSPECTED, type MemoryInUse, memoryProbe } from './fixtures/memory-in-use.js';

const MIB = 1024 * 1024;
const SESSIONS = 1_000;
const AT_ONCE = 50;
/** Of memory, over as many sessions. */
const GROWTH = 1.05;
const WARM = 3;
/** Of sessions and of processes that nobody uses; what else belongs to a session is gone after as long again. */
const IDLE_TTL_MS = 2_000;
/** Two processes each: those that wait, the catalog's. And the shell that guards them all. */
const CHILDREN_AT_REST = 2 * (WARM + 1) + 1;
const script = fileURLToPath(new URL('./fixtures/tiny-server.sh', import.meta.url));
vi.stubEnv('NODE_OPTIONS', INSPECTED);
const bridge = await startBridge({
  topology: 'two',
  servers: { tiny: { command: '/bin/sh', args: [script], poolSize: WARM, idleTtl: `${IDLE_TTL_MS}ms` } },
  config: { router: { sessionIdleTtl: `${IDLE_TTL_MS}ms` } },
});
const compilers = new Set(descendantsOf(bridge.router.pid));
afterAll(() => bridge[Symbol.asyncDispose]());

/** A client that calls once, and goes without a word; every tenth one while it listens. */
async function visit(index: number): Promise<number[]> {
  const session = await openLegacySession(`${bridge.url}/tiny`);
  const pids = outcomeOf((await timedCall(session, 'pids')).reply);
  if (index % 10 === 0) (await session.listen()).close();
  return String(pids).split(' ').map(Number);
}

/** Sessions one after another, some at a time; returns every process that served them. */
async function visits(count: number): Promise<number[]> {
  const pids: number[] = [];
  let next = 0;
  const visitor = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      pids.push(...(await visit(next)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
  return pids;
}

/** The processes of the servers; a bridge that runs from its sources has the compiler's beside them. */
function children(): number[] {
  return descendantsOf(bridge.router.pid).filter((pid) => !compilers.has(pid));
}

async function comeToRest(): Promise<void> {
  await waitFor(() => children().length === CHILDREN_AT_REST, {
    timeoutMs: 60_000,
    what: 'the end of every process that nobody uses',
  });
}

/** What is left when all has gone that goes by itself, the code that V8 has not seen used for some collections too. */
async function settled(look: () => Promise<MemoryInUse>): Promise<MemoryInUse> {
  const until = performance.now() + 2 * IDLE_TTL_MS;
  let least = await look();
  while (performance.now() < until) {
    const now = await look();
    if (now.held < least.held) least = now;
  }
  return least;
}

test('row 7: clients vanish without DELETE', async (context) => {
  const memoryInUse = await memoryProbe(bridge.router);
  // The heap grows to what the load needs, once.
  await visits(SESSIONS);
  await comeToRest();
  const before = await settled(memoryInUse);

  const pids = await visits(SESSIONS);
  expect(new Set(pids).size).toBe(2 * SESSIONS);
  await comeToRest();
  const kept = new Set(children());
  const orphans = pids.filter((pid) => !kept.has(pid) && isRunning(pid));
  const after = await settled(memoryInUse);
  holdRow(context, [
    { what: `orphans of ${SESSIONS} sessions`, measured: orphans.length, allowed: 0, unit: 'processes' },
    { what: 'children beyond the warm pool', measured: kept.size - CHILDREN_AT_REST, allowed: 0, unit: '' },
    {
      what: `held by the router (${mib(before.held)} before)`,
      measured: mib(after.held),
      allowed: mib(before.held * GROWTH),
      unit: 'MiB',
    },
    {
      what: `its resident memory (${mib(before.resident)} before)`,
      measured: mib(after.resident),
      allowed: mib(before.resident * GROWTH),
      unit: 'MiB',
    },
  ]);
}, 300_000);

function mib(bytes: number): number {
  return Math.round((bytes / MIB) * 100) / 100;
}
