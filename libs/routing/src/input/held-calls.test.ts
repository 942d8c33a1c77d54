import { randomBytes } from 'node:crypto';
import { createSealer } from '@mcp-bridge/identity';
import { createDeadlineWheel } from '@mcp-bridge/link';
import type { CallRequest } from '@mcp-bridge/link';
import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import { expect, test } from 'vitest';
import { ActiveCall } from '../dispatch/active-call.js';
import { HeldCalls } from './held-calls.js';
import type { HeldExchange } from './held-calls.js';
import { OpenAsks } from './open-asks.js';

let clock = 0;
const deadlines = createDeadlineWheel();

function heldCalls(limits: { maxHeld?: number; maxHeldPerPrincipal?: number } = {}): HeldCalls {
  const sealer = createSealer({ purpose: 'request-state', keys: [randomBytes(32)] });
  const options = {
    sealer,
    routerId: 'r',
    ttlMs: 1_000,
    maxHeld: 10,
    maxHeldPerPrincipal: 5,
    now: () => clock,
  };
  return new HeldCalls({ ...options, ...limits });
}

function requestOf(params: object, method = 'tools/call', id = 'alice'): CallRequest {
  // Only these fields are read.
  const raw = { principal: { tenant: 't', id }, method, params: Buffer.from(JSON.stringify(params)) };
  return { ...raw, clientRequestId: '1', timeoutMs: 0 } as CallRequest;
}

/** An upstream call that has just been interrupted by a question; collects what becomes of it. */
function interrupted(
  request: CallRequest,
): HeldExchange & { detached: string[]; refused: BridgeError[]; ends: string[] } {
  const asks = new OpenAsks();
  const question = '{"jsonrpc":"2.0","id":9,"method":"roots/list"}';
  asks.add(scanEnvelope(Buffer.from(question)), () => undefined);
  const exchange = {
    request,
    asks,
    attached: true,
    detached: [] as string[],
    refused: [] as BridgeError[],
    ends: [] as string[],
    detach(result: Buffer) {
      exchange.attached = false;
      exchange.detached.push(result.toString());
    },
    resume: () => exchange.ends.push('resumed'),
    refuse: (error: BridgeError) => exchange.refused.push(error),
    abandon: (reason: string) => exchange.ends.push(reason),
  };
  return exchange;
}

async function hold(
  held: HeldCalls,
  request: CallRequest,
): Promise<{ state: string; exchange: ReturnType<typeof interrupted> }> {
  const exchange = interrupted(request);
  held.answerSoon(exchange);
  await expect.poll(() => exchange.detached.length + exchange.refused.length, { interval: 2 }).toBe(1);
  const { requestState } = JSON.parse(exchange.detached[0] ?? '{}') as { requestState: string };
  return { state: requestState, exchange };
}

function retry(held: HeldCalls, request: CallRequest): void {
  const sink = { onMessage: () => undefined, onResult: () => undefined, onError: () => undefined };
  held.resume(new ActiveCall(request, sink, undefined, deadlines));
}

test('a state is good for one retry of the same call, by the same principal, in its time', async () => {
  const held = heldCalls();
  const { state, exchange } = await hold(held, requestOf({ name: 'x', arguments: { a: 1, b: 2 } }));
  const again = { arguments: { b: 2, a: 1 }, name: 'x', requestState: state };
  expect(held.stateOf(requestOf(again))).toBe('own');
  const refused = [
    requestOf({ ...again, name: 'y' }),
    requestOf({ ...again, arguments: { a: 1 } }),
    requestOf(again, 'prompts/get'),
    requestOf(again, 'tools/call', 'mallory'),
    requestOf({ ...again, requestState: `${state}A` }),
  ];
  for (const request of refused) expect(() => retry(held, request)).toThrow(/requestState is not valid/);
  clock += 1_001;
  expect(() => retry(held, requestOf(again))).toThrow(/requestState is not valid/);
  clock -= 1_001;
  retry(held, requestOf(again));
  expect(exchange.ends).toEqual(['resumed']);
  expect(() => retry(held, requestOf(again))).toThrow(/requestState is not valid/);
});

test('a state of another router is foreign', () => {
  const held = heldCalls();
  expect(held.stateOf(requestOf({}))).toBe('none');
  expect(held.stateOf(requestOf({ requestState: 'other.abc' }))).toBe('foreign');
});

test('the upstream call ends when nobody comes back in time', async () => {
  const held = heldCalls();
  const { exchange } = await hold(held, requestOf({}));
  held.reap();
  expect(exchange.ends).toEqual([]);
  clock += 1_001;
  held.reap();
  expect(exchange.ends).toEqual(['The client did not answer in time']);
  expect(held.size).toBe(0);
});

test('one principal can hold only so many calls', async () => {
  const held = heldCalls({ maxHeldPerPrincipal: 1 });
  await hold(held, requestOf({}));
  const { exchange } = await hold(held, requestOf({}));
  expect(exchange.refused[0]?.code).toBe('OVERLOADED');
  const { exchange: other } = await hold(held, requestOf({}, 'tools/call', 'bob'));
  expect(other.detached).toHaveLength(1);
});

test('questions that come one after another travel together', async () => {
  const held = heldCalls();
  const exchange = interrupted(requestOf({}));
  held.answerSoon(exchange);
  for (const method of ['sampling/createMessage', 'elicitation/create']) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const question = `{"jsonrpc":"2.0","id":"${method}","method":"${method}","params":{}}`;
    exchange.asks.add(scanEnvelope(Buffer.from(question)), () => undefined);
    held.answerSoon(exchange);
  }
  await expect.poll(() => exchange.detached.length, { interval: 2 }).toBe(1);
  const { inputRequests } = JSON.parse(exchange.detached[0] ?? '') as { inputRequests: object };
  expect(Object.keys(inputRequests)).toHaveLength(3);
});
