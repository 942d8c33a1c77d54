import { modernRequest, holdRow, sendRaw, startFaultyHttp, waitFor } from '@mcp-bridge/testkit';
import type { FaultyHttp, HttpFault, RowFigure } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBridge } from '../running-bridge.js';

const UNAVAILABLE = -31001;
const DEADLINE = -31002;
const OUTCOME_UNKNOWN = -31005;

/** The times of health checks are the defaults divided by this, and so is what is allowed. */
const SCALE = 5;
const FOUND_WITHIN_MS = 30_000 / SCALE;
const healthCheck = { timeout: 5_000 / SCALE, silence: 10_000 / SCALE };
const FAILURES = 5;
const TIMEOUT_MS = 600;
const LONG_TIMEOUT_MS = FOUND_WITHIN_MS + 2_000;
const LATE_MS = 250;

const upstreams = {
  fails: await startFaultyHttp(),
  drips: await startFaultyHttp(),
  resets: await startFaultyHttp(),
  vanishes: await startFaultyHttp(),
};
const bridge = await startBridge({
  servers: Object.fromEntries(
    Object.entries(upstreams).map(([name, { url }]) => {
      const timeout = name === 'vanishes' ? LONG_TIMEOUT_MS : TIMEOUT_MS;
      return [name, { url, timeout, healthCheck, breaker: { failures: FAILURES } }];
    }),
  ),
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  for (const upstream of Object.values(upstreams)) await upstream.stop();
});

interface Outcome {
  readonly code: number;
  readonly ms: number;
  readonly retryAfterMs: number;
}

/** Counts the calls of the test, to hold them against what arrived. */
const sent = { fails: 0, drips: 0, resets: 0, vanishes: 0, works: 0 };

async function call(
  server: Exclude<HttpFault, 'works'>,
  name: 'write' | 'read',
  tag: unknown,
): Promise<Outcome> {
  sent[server] += 1;
  const from = performance.now();
  const request = modernRequest('tools/call', { name, arguments: { tag } });
  const { message } = await sendRaw(`${bridge.url}/${server}`, { ...request, timeoutMs: 30_000 });
  const data = (message.error?.data ?? {}) as { retryAfterMs?: number };
  return {
    code: message.error?.code ?? 0,
    ms: performance.now() - from,
    retryAfterMs: data.retryAfterMs ?? 0,
  };
}

/** Calls one after the other until one is refused; what came before that one, and it. */
async function untilRefused(
  server: Exclude<HttpFault, 'works'>,
  name: 'write' | 'read',
): Promise<{ before: Outcome[]; refused: Outcome }> {
  const before: Outcome[] = [];
  for (;;) {
    const outcome = await call(server, name, `${name} ${before.length}`);
    if (outcome.code === UNAVAILABLE) return { before, refused: outcome };
    before.push(outcome);
    if (before.length > 50) throw new Error('the breaker never opened');
  }
}

/** The server works again: how long until calls do. */
async function msUntilBack(server: Exclude<HttpFault, 'works'>, upstream: FaultyHttp): Promise<number> {
  upstream.mode = 'works';
  const from = performance.now();
  await waitFor(async () => (await call(server, 'write', 'back')).code === 0, { timeoutMs: 20_000 });
  return performance.now() - from;
}

/** Of all calls that the test made, how many the server got more than once, in percent. */
function repeats(server: Exclude<HttpFault, 'works'>, refused: number): RowFigure {
  const extra = upstreams[server].calls.length - (sent[server] - refused);
  return {
    what: 'calls sent again',
    measured: Math.max(0, (100 * extra) / sent[server]),
    allowed: 10,
    unit: '%',
  };
}

const ms = (what: string, measured: number, allowed: number): RowFigure => ({
  what,
  measured: Math.round(measured),
  allowed,
  unit: 'ms',
});

beforeAll(async () => {
  for (const server of ['fails', 'drips', 'resets', 'vanishes'] as const) {
    // So that the catalog knows which tools may be repeated.
    await sendRaw(`${bridge.url}/${server}`, modernRequest('tools/list'));
    const calls = Array.from({ length: 60 }, (_, tag) => call(server, 'write', tag));
    expect((await Promise.all(calls)).every(({ code }) => code === 0)).toBe(true);
  }
}, 60_000);

test('row 6: an HTTP server answers 5xx', async (context) => {
  const upstream = upstreams.fails;
  upstream.mode = 'fails';
  const { before, refused } = await untilRefused('fails', 'read');
  expect(new Set(before.map(({ code }) => code))).toEqual(new Set([OUTCOME_UNKNOWN]));
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  const arrived = upstream.calls.length;
  const refusals = await Promise.all(Array.from({ length: 20 }, (_, tag) => call('fails', 'write', tag)));
  expect(refusals.every(({ code }) => code === UNAVAILABLE)).toBe(true);
  expect(upstream.calls.length).toBe(arrived);
  holdRow(context, [
    {
      what: 'calls that failed before the breaker opened',
      measured: before.length,
      allowed: FAILURES,
      unit: 'calls',
    },
    ms('refused then after', Math.max(...refusals.map((one) => one.ms)), LATE_MS),
    repeats('fails', 1 + refusals.length),
    ms('served again after', await msUntilBack('fails', upstream), 3_000),
  ]);
}, 60_000);

test('row 6: an HTTP server drips', async (context) => {
  const upstream = upstreams.drips;
  upstream.mode = 'drips';
  const from = performance.now();
  const dripped = await Promise.all(Array.from({ length: 8 }, (_, tag) => call('drips', 'write', tag)));
  expect(new Set(dripped.map(({ code }) => code))).toEqual(new Set([DEADLINE]));
  const { before, refused } = await untilRefused('drips', 'write');
  const foundMs = performance.now() - from;
  const late = [...dripped, ...before].map((one) => one.ms - TIMEOUT_MS);
  expect(before.every(({ code }) => code === DEADLINE)).toBe(true);
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  holdRow(context, [
    ms('answered after its deadline', Math.max(...late), LATE_MS),
    ms(`found after (times divided by ${SCALE})`, foundMs, FOUND_WITHIN_MS),
    repeats('drips', 1),
    ms('served again after', await msUntilBack('drips', upstream), 3_000),
  ]);
}, 60_000);

test('row 6: an HTTP server breaks the connection within its reply', async (context) => {
  const upstream = upstreams.resets;
  upstream.mode = 'resets';
  const { before, refused } = await untilRefused('resets', 'write');
  expect(new Set(before.map(({ code }) => code))).toEqual(new Set([OUTCOME_UNKNOWN]));
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  const ran = before.map((_, index) => upstream.calls.filter((tag) => tag === `write ${index}`).length);
  expect(ran).toEqual(before.map(() => 1));
  holdRow(context, [
    {
      what: 'calls that failed before the breaker opened',
      measured: before.length,
      allowed: FAILURES,
      unit: 'calls',
    },
    ms('told after', Math.max(...before.map((one) => one.ms)), LATE_MS),
    repeats('resets', 1),
    ms('served again after', await msUntilBack('resets', upstream), 3_000),
  ]);
}, 60_000);

test('row 6: an HTTP server vanishes without a word, its connections half-open', async (context) => {
  const upstream = upstreams.vanishes;
  upstream.mode = 'vanishes';
  const from = performance.now();
  const lost = Promise.all(Array.from({ length: 8 }, (_, tag) => call('vanishes', 'write', tag)));
  const metric = /mcp_upstream_breaker_changes_total\{[^}]*server="vanishes"[^}]*state="open"[^}]*\} [1-9]/;
  const [, port] = await waitFor(() => /"adminPort":(\d+)/.exec(bridge.gateway.output) ?? undefined);
  const metrics = `http://127.0.0.1:${port}/metrics`;
  await waitFor(async () => metric.test(await (await fetch(metrics)).text()), {
    timeoutMs: LONG_TIMEOUT_MS,
    what: 'the breaker to open',
  });
  const foundMs = performance.now() - from;
  const refused = await call('vanishes', 'write', 'refused');
  expect(refused.code).toBe(UNAVAILABLE);
  const outcomes = await lost;
  expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([DEADLINE]));
  const late = outcomes.map((one) => one.ms - LONG_TIMEOUT_MS);
  holdRow(context, [
    ms(`found after (times divided by ${SCALE})`, foundMs, FOUND_WITHIN_MS),
    ms('answered after its deadline', Math.max(...late), LATE_MS),
    ms('refused then after', refused.ms, LATE_MS),
    repeats('vanishes', 1),
    ms('served again after', await msUntilBack('vanishes', upstream), 3_000),
  ]);
}, 90_000);
