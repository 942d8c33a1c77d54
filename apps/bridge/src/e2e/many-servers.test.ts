import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { descendantsOf, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { INSPECTED, memoryProbe } from './reliability/fixtures/memory-in-use.js';
import { startBridge } from './running-bridge.js';
import type { RunningBridge } from './running-bridge.js';

const SERVERS = 1_000;
const MAX_BYTES_EACH = 200_000;
const MAX_START_MS = 5_000;
/** Other work of the machine only makes a start slower. */
const START_ATTEMPTS = 3;
const script = fileURLToPath(new URL('./reliability/fixtures/tiny-server.sh', import.meta.url));
const running: RunningBridge[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(running.splice(0).map((bridge) => bridge[Symbol.asyncDispose]()));
});

async function start(count: number): Promise<{ readonly bridge: RunningBridge; readonly ms: number }> {
  const names = Array.from({ length: count }, (_, index) => `server-${index}`);
  const servers = Object.fromEntries(names.map((name) => [name, { command: '/bin/sh', args: [script] }]));
  const startedAt = performance.now();
  const bridge = await startBridge({ servers });
  const ms = performance.now() - startedAt;
  running.push(bridge);
  return { bridge, ms };
}

async function toolsOf(bridge: RunningBridge): Promise<number> {
  const session = await openLegacySession(bridge.url);
  const { message } = await session.request('tools/list');
  return (message.result?.['tools'] as unknown[]).length;
}

test('1 000 configured stdio servers start in 5 s, and cost 200 KB each at most, running or not', async () => {
  vi.stubEnv('NODE_OPTIONS', INSPECTED);
  const { bridge: one } = await start(1);
  let { bridge: many, ms } = await start(SERVERS);
  for (let attempt = 1; attempt < START_ATTEMPTS && ms > MAX_START_MS; attempt += 1) {
    await running.pop()?.[Symbol.asyncDispose]();
    ({ bridge: many, ms } = await start(SERVERS));
  }
  expect(ms).toBeLessThanOrEqual(MAX_START_MS);

  const [memoryOfOne, memoryOfMany] = await Promise.all([
    memoryProbe(one.gateway),
    memoryProbe(many.gateway),
  ]);
  const bytesEach = async (): Promise<number> =>
    ((await memoryOfMany()).resident - (await memoryOfOne()).resident) / (SERVERS - 1);
  const configured = await bytesEach();
  expect(configured).toBeLessThanOrEqual(MAX_BYTES_EACH);

  // The tools of all: each server is started, shaken hands with, asked.
  const compilers = descendantsOf(many.gateway.pid).length;
  const all = { timeoutMs: 60_000, what: 'the tools of all servers' };
  await waitFor(async () => (await toolsOf(many)) === SERVERS, all);
  expect(await toolsOf(one)).toBe(1);
  expect(descendantsOf(many.gateway.pid).length - compilers).toBeGreaterThanOrEqual(2 * SERVERS);
  const inUse = await bytesEach();
  expect(inUse).toBeLessThanOrEqual(MAX_BYTES_EACH);
}, 120_000);
