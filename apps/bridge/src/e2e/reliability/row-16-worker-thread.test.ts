import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, type TestContext } from 'vitest';
import {
  holdRow,
  modernRequest,
  openRaw,
  sendRaw,
  waitFor,
  type JsonObject,
  type RawReply,
} from '@mcp-bridge/testkit';
import { bundleBridge } from '../bundled-bridge.js';
import { startBridge } from '../running-bridge.js';
import { outcomeOf } from './fixtures/faulty-server.js';

const REPLACED_WITHIN_MS = 500;
const THREADS = 2;
const SPARE = 1;
const DEADLINE_MS = 300;
const OUTCOME_UNKNOWN = -31005;
const DEADLINE_EXCEEDED = -31002;

const FAULTY_TOOL = fileURLToPath(new URL('./fixtures/faulty-tool.mjs', import.meta.url));
const HASTY_TOOL = fileURLToPath(new URL('./fixtures/hasty-tool.mjs', import.meta.url));
// What runs in production: threads that compile TypeScript first are slow to start.
const bundle = await bundleBridge();
const bridge = await startBridge({
  command: bundle.command,
  topology: 'two',
  servers: {},
  config: {
    tools: [FAULTY_TOOL, HASTY_TOOL],
    workers: { threads: THREADS, memoryLimit: '64MiB', cancelGrace: '100ms' },
  },
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await bundle[Symbol.asyncDispose]();
});

function request(how: string, tool = 'faulty', meta: JsonObject = {}) {
  return modernRequest('tools/call', { name: `tools__${tool}`, arguments: { how } }, meta);
}

async function call(how: string, tool?: string): Promise<{ readonly reply: RawReply; readonly ms: number }> {
  const from = performance.now();
  const reply = await sendRaw(bridge.url, { ...request(how, tool), timeoutMs: 30_000 });
  return { reply, ms: performance.now() - from };
}

/** Every thread is free, and the spare one is there. */
async function poolIsWhole(): Promise<void> {
  const url = /"url":"(http:\/\/127\.0\.0\.1:\d+)","msg":"admin server listens"/.exec(
    bridge.router.output,
  )?.[1];
  const isWhole = async (): Promise<boolean> => {
    const { message } = await sendRaw(`${url}/debug/state`, { method: 'GET' });
    // The shape of our own admin server.
    const { native } = (message as { parts: { routing: { native: { running: number; ready: number } } } })
      .parts.routing;
    return native.running === 0 && native.ready === THREADS + SPARE;
  };
  await waitFor(isWhole, { timeoutMs: 20_000, what: 'all threads' });
  await untilServed();
}

/** Milliseconds until a worker thread has answered a call. */
async function untilServed(): Promise<number> {
  const { reply, ms } = await call('fine');
  expect(outcomeOf(reply)).toMatch(/^thread \d+$/);
  return ms;
}

/** Injects one fault beside a call that goes on, and holds the row; returns the text or code of the fault's reply. */
async function inject(context: TestContext, how: string): Promise<string | number | undefined> {
  await poolIsWhole();
  const held = { ...request('hold', 'faulty', { progressToken: 'held' }), timeoutMs: 30_000 };
  await using neighbour = await openRaw(bridge.url, held);
  await neighbour.nextMessage(({ method }) => method === 'notifications/progress');
  let neighboursEnded = 0;
  void neighbour
    .nextMessage(({ id }) => id !== undefined)
    .then(
      () => (neighboursEnded += 1),
      () => undefined,
    );
  const { reply } = await call(how);
  // The neighbour has one of the two threads: only one in place of the lost one can answer.
  const replacedAfter = await untilServed();
  expect(reply.messages).toHaveLength(1);
  holdRow(context, [
    {
      what: 'next call answered after',
      measured: Math.round(replacedAfter),
      allowed: REPLACED_WITHIN_MS,
      unit: 'ms',
    },
    { what: 'other calls failed', measured: neighboursEnded, allowed: 0, unit: '' },
  ]);
  return outcomeOf(reply);
}

test('row 16: a worker thread throws', async (context) => {
  expect(await inject(context, 'throw')).toBe('this went wrong');
}, 60_000);

test('row 16: a worker thread throws outside its handler', async (context) => {
  expect(await inject(context, 'stray')).toBe(OUTCOME_UNKNOWN);
}, 60_000);

test('row 16: a worker thread exits', async (context) => {
  expect(await inject(context, 'exit')).toBe(OUTCOME_UNKNOWN);
}, 60_000);

test('row 16: a worker thread runs out of memory', async (context) => {
  expect(await inject(context, 'memory')).toBe(OUTCOME_UNKNOWN);
}, 60_000);

test('row 16: all worker threads loop', async (context) => {
  await poolIsWhole();
  const loops = await Promise.all(Array.from({ length: THREADS }, () => call('loop', 'hasty')));
  const servedAfter = await untilServed();
  expect(loops.map(({ reply }) => outcomeOf(reply))).toEqual([DEADLINE_EXCEEDED, DEADLINE_EXCEEDED]);
  holdRow(context, [
    {
      what: 'answered −31002 after its deadline by',
      measured: Math.round(Math.max(...loops.map(({ ms }) => ms)) - DEADLINE_MS),
      allowed: 250,
      unit: 'ms',
    },
    {
      what: 'next call answered after, grace of 100 ms included',
      measured: Math.round(servedAfter),
      allowed: REPLACED_WITHIN_MS,
      unit: 'ms',
    },
  ]);
}, 60_000);
