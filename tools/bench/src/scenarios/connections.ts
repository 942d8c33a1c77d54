import { setTimeout as delay } from 'node:timers/promises';
import { judge, type GoalResult } from '../goals.js';
import { startGenerator } from '../load/generator-load.js';
import { openSessions } from '../load/open-sessions.js';
import { readProcessStat } from '../measure/process-stat.js';
import { createSettledMemoryReader, type SettledMemoryReader } from '../measure/settled-memory.js';
import { createResources } from '../resources.js';
import type { RatioResult, Scenario, ScenarioContext } from '../scenario.js';
import { buildBridge, type BridgeTarget } from '../targets/bridge.js';
import { startNativeBridge } from './native-bridge.js';

/** Each gateway process and each client process holds at most this many: descriptors are limited, often to 20 000. */
const PER_PROCESS = 12_500;
const WEBSOCKETS = 50_000;
const WEBSOCKETS_QUICK = 5_000;
const SESSIONS = 20_000;
const SESSIONS_QUICK = 5_000;
/** Opened before what is counted: tables have grown and code is compiled then. */
const FIRST = 1_000;
/** Collections before a reading counts. */
const READINGS = 3;
/** What is freed with delay is gone by then. */
const SETTLE_MS = 2_000;
const VERSION = '2025-11-25';
const KIB = 1024;
const MIB = 1024 * KIB;

/** What connections and sessions cost that do nothing. */
export const connections: Scenario = {
  name: 'connections',
  summary:
    'memory of idle WebSockets, up to 50 000 over several gateways, and of idle 2025-11-25 sessions (P6)',
  async run(context) {
    buildBridge(context.progress);
    const sockets = await measureWebSockets(context);
    const sessions = await measureSessions(context);
    return {
      comparison: { subjects: [] },
      ratios: [...sockets.figures, ...sessions.figures],
      goals: [...sockets.goals, ...sessions.goals],
    };
  },
};

interface Measured {
  readonly figures: RatioResult[];
  readonly goals: GoalResult[];
}

async function measureWebSockets({ progress, isQuick }: ScenarioContext): Promise<Measured> {
  await using resources = createResources();
  const memory = resources.add(await createSettledMemoryReader());
  const count = isQuick ? WEBSOCKETS_QUICK : WEBSOCKETS;
  const gateways = isQuick ? 2 : Math.ceil(count / PER_PROCESS);
  const bridge = resources.add(await startNativeBridge({ gateways, nodeFlags: memory.nodeFlags }));
  const open = async (each: number): Promise<void> => {
    for (const { webSocketUrl } of bridge.gateways)
      resources.add(
        await startGenerator({
          kind: 'websocket',
          url: webSocketUrl,
          connections: each,
          headers: bridge.headers,
          method: 'ping',
          params: {},
        }),
      );
  };
  const pids = bridge.gateways.map(({ process }) => process.pid);
  const first = Math.ceil(FIRST / gateways);
  progress(`opening ${first * gateways} WebSockets at ${gateways} gateways`);
  await open(first);
  await delay(SETTLE_MS);
  const before = await heldBytes(memory, pids);
  const more = Math.ceil(count / gateways) - first;
  progress(`opening ${more * gateways} more`);
  await open(more);
  await delay(SETTLE_MS);
  const resident = pids.reduce((sum, pid) => sum + (readProcessStat(pid)?.rssBytes ?? 0), 0);
  const after = await heldBytes(memory, pids);
  const each = (after - before) / (more * gateways) / KIB;
  const total = resident / MIB;
  progress(`${each.toFixed(2)} KiB each, ${total.toFixed(0)} MiB resident`);
  return {
    figures: [
      { what: `one of ${count.toLocaleString('en')} idle WebSockets`, value: each, unit: 'KiB' },
      {
        what: `${gateways} gateways with them, resident before garbage is collected`,
        value: total,
        unit: 'MiB',
      },
    ],
    goals: [judge('idleWebSocket', each), ...(isQuick ? [] : [judge('manyConnections', total)])],
  };
}

async function measureSessions({ progress, isQuick }: ScenarioContext): Promise<Measured> {
  await using resources = createResources();
  const memory = resources.add(await createSettledMemoryReader());
  const bridge = resources.add(await startNativeBridge({ nodeFlags: memory.nodeFlags }));
  const open = (count: number): Promise<void> =>
    openSessions({ url: bridge.url, headers: bridge.headers, count, version: VERSION });
  const count = isQuick ? SESSIONS_QUICK : SESSIONS;
  progress(`opening ${FIRST} sessions`);
  await open(FIRST);
  await delay(SETTLE_MS);
  const before = await heapsOf(memory, bridge);
  progress(`opening ${count} more`);
  await open(count);
  await delay(SETTLE_MS);
  const after = await heapsOf(memory, bridge);
  const each = after.map((bytes, index) => (bytes - (before[index] ?? Number.NaN)) / count / KIB);
  const sum = each.reduce((total, one) => total + one, 0);
  progress(`${sum.toFixed(3)} KiB each`);
  return {
    figures: bridge.processes.map(({ name }, index) => ({
      what: `one of ${count.toLocaleString('en')} idle sessions, ${name}`,
      value: each[index] ?? Number.NaN,
      unit: 'KiB',
    })),
    goals: [judge('idleSession', sum)],
  };
}

/**
 * Resident memory without what V8 has taken and does not use: that shrinks and grows by more than thousands of
 * connections need. The last of some readings, because the first collections after a start free most.
 */
async function heldBytes(memory: SettledMemoryReader, pids: readonly number[]): Promise<number> {
  let held = 0;
  for (let reading = 0; reading < READINGS; reading += 1) {
    await delay(SETTLE_MS);
    const all = await Promise.all(pids.map((pid) => memory.read(pid)));
    held = all.reduce((sum, { rss, heapTotal, heapUsed }) => sum + rss - (heapTotal - heapUsed), 0);
  }
  return held;
}

/** Sessions live on the heap, where a kilobyte can be seen; resident memory comes in steps of megabytes. */
function heapsOf(memory: SettledMemoryReader, bridge: BridgeTarget): Promise<number[]> {
  return Promise.all(
    bridge.processes.map(async ({ pid }) => {
      const { heapUsed, external } = await memory.read(pid);
      return heapUsed + external;
    }),
  );
}
