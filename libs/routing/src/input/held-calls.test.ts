import { randomBytes } from 'node:crypto';
import { createSealer } from '@mcp-bridge/identity';
import { createDeadlineWheel, type CallRequest } from '@mcp-bridge/link';
import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import { describe, expect, it } from 'vitest';
import { ActiveCall } from '../dispatch/active-call.js';
import { type HeldExchange, HeldCalls } from './held-calls.js';
import { OpenAsks } from './open-asks.js';

const TTL_MS = 60_000;
const PARAMS = { name: 'ask', arguments: { a: 1, b: [2] } };
const QUESTION = Buffer.from('{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{}}');
const ANSWERS = { 'sampling-createMessage-1': { role: 'assistant' } };

const wheel = createDeadlineWheel();

function request(params: object, overrides: Partial<CallRequest> = {}): CallRequest {
  return {
    principal: { tenant: 'acme', id: 'alice' },
    view: '',
    method: 'tools/call',
    name: 'ask',
    params: Buffer.from(JSON.stringify(params)),
    spans: {
      nameStart: -1,
      nameEnd: -1,
      metaStart: -1,
      metaEnd: -1,
      progressTokenStart: -1,
      progressTokenEnd: -1,
    },
    clientRequestId: '1',
    protocolVersion: '2026-07-28',
    capabilities: '{"sampling":{}}',
    clientInfo: '',
    session: '',
    logLevel: '',
    timeoutMs: 0,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: '',
    ...overrides,
  };
}

/** The result that asks a client. */
interface Told {
  readonly requestState: string;
  readonly inputRequests: object;
}

/** The upstream side of a call that was interrupted: it hears the answers that are let through to it. */
class Interrupted implements HeldExchange {
  readonly request: CallRequest;
  readonly asks = new OpenAsks();
  attached = true;
  readonly heard: string[] = [];
  abandoned = '';
  resumed = 0;
  refused: BridgeError | undefined;
  /** Resolves with what the client is told. */
  readonly told: Promise<Told>;
  #tell: (told: Told) => void = () => undefined;

  constructor(of: CallRequest = request(PARAMS)) {
    this.request = of;
    this.told = new Promise((resolve) => (this.#tell = resolve));
    this.asks.add(scanEnvelope(QUESTION), (_kind, answer) => this.heard.push(answer.toString('utf8')));
  }

  detach(result: Buffer): void {
    this.attached = false;
    this.#tell(JSON.parse(result.toString('utf8')) as Told);
  }

  resume(): void {
    this.attached = true;
    this.resumed += 1;
  }

  refuse(error: BridgeError): void {
    this.refused = error;
    this.attached = false;
  }

  abandon(reason: string): void {
    this.abandoned = reason;
  }
}

interface Scene {
  readonly held: HeldCalls;
  readonly exchange: Interrupted;
  readonly requestState: string;
  /** Advances the clock. */
  pass(timeMs: number): void;
  /** What a retry with this state, of this request, comes to. */
  retry(requestState: string, overrides?: Partial<CallRequest>, params?: object): BridgeError | undefined;
}

async function hold(maxHeldPerPrincipal = 10): Promise<Scene> {
  let now = 1_000_000;
  const sealer = createSealer({ purpose: 'request-state', keys: [randomBytes(32)] });
  const options = { sealer, routerId: 'router', ttlMs: TTL_MS, maxHeld: 100, maxHeldPerPrincipal };
  const held = new HeldCalls({ ...options, now: () => now });
  const exchange = new Interrupted();
  held.answerSoon(exchange);
  const { requestState } = await exchange.told;
  return {
    held,
    exchange,
    requestState,
    pass: (timeMs) => (now += timeMs),
    retry(state, overrides, params = PARAMS) {
      const again = request({ ...params, inputResponses: ANSWERS, requestState: state }, overrides);
      const sink = { onMessage: () => undefined, onResult: () => undefined, onError: () => undefined };
      try {
        held.resume(new ActiveCall(again, sink, undefined, wheel));
        return undefined;
      } catch (error) {
        return BridgeError.from(error);
      }
    },
  };
}

const REFUSAL = {
  code: 'INVALID_PARAMS',
  message: 'requestState is not valid for this request; send the call anew without it',
  data: undefined,
};

describe('a requestState', () => {
  it('brings the answers to the call that it was given for, however the keys are ordered', async () => {
    const { retry, requestState, exchange, held } = await hold();
    expect(retry(requestState, {}, { arguments: { b: [2], a: 1 }, name: 'ask' })).toBeUndefined();
    expect(exchange.heard).toEqual(['{"role":"assistant"}']);
    expect(held.size).toBe(0);
  });

  it('is refused when it has expired, and its call ends', async () => {
    const { retry, requestState, exchange, held, pass } = await hold();
    pass(TTL_MS);
    expect(retry(requestState)).toMatchObject(REFUSAL);
    expect(exchange.resumed).toBe(0);
    held.reap();
    expect(exchange.abandoned).toBe('The client did not answer in time');
    expect(held.size).toBe(0);
  });

  it('is good until the last moment', async () => {
    const { retry, requestState, held, pass } = await hold();
    pass(TTL_MS - 1);
    held.reap();
    expect(retry(requestState)).toBeUndefined();
  });

  it.each<[string, Partial<CallRequest>, object]>([
    ['another method', { method: 'prompts/get' }, PARAMS],
    ['another tenant with the same name', { principal: { tenant: 'other', id: 'alice' } }, PARAMS],
    ['another principal of the tenant', { principal: { tenant: 'acme', id: 'mallory' } }, PARAMS],
    ['other arguments', {}, { ...PARAMS, arguments: { a: 1, b: [3] } }],
    ['another name', {}, { ...PARAMS, name: 'other' }],
    ['further params', {}, { ...PARAMS, task: {} }],
  ])('is refused for %s, and stays good for its own', async (_what, overrides, params) => {
    const { retry, requestState, exchange } = await hold();
    expect(retry(requestState, overrides, params)).toMatchObject(REFUSAL);
    expect([exchange.resumed, exchange.heard]).toEqual([0, []]);
    expect(retry(requestState)).toBeUndefined();
  });

  it('is good for one retry', async () => {
    const { retry, requestState, exchange } = await hold();
    expect(retry(requestState)).toBeUndefined();
    expect(retry(requestState)).toMatchObject(REFUSAL);
    expect(exchange.resumed).toBe(1);
  });

  it('of another router, or of another start, is refused', async () => {
    const [one, other] = [await hold(), await hold()];
    expect(one.retry(other.requestState)).toMatchObject(REFUSAL);
    expect(other.exchange.resumed).toBe(0);
  });

  it('cannot be forged: 10 000 tries all get the same answer and change nothing', async () => {
    const { retry, requestState, exchange, held } = await hold(2);
    const [, sealed = ''] = requestState.split('.');
    const bytes = Buffer.from(sealed, 'base64url');
    const flipped = (bit: number): string => {
      const changed = Buffer.from(bytes);
      changed[(bit >> 3) % changed.length]! ^= 1 << (bit & 7);
      return `router.${changed.toString('base64url')}`;
    };
    const forgers: ((n: number) => string)[] = [
      flipped,
      (n) => requestState.slice(0, n % requestState.length),
      (n) => `router.${randomBytes(1 + (n % 300)).toString('base64url')}`,
      (n) => `${requestState}${'A'.repeat(1 + (n % 5))}`,
      (n) => `router.${'.'.repeat(n % 7)}${JSON.stringify({ h: n, t: 'acme', p: 'alice' })}`,
    ];
    const answers = new Set<string>();
    for (let n = 0; n < 10_000; n += 1) {
      const error = retry(forgers[n % forgers.length]!(n));
      answers.add(JSON.stringify([error?.code, error?.message, error?.data, error?.cause]));
    }
    expect([...answers]).toEqual([JSON.stringify([REFUSAL.code, REFUSAL.message, null, null])]);
    expect([held.size, exchange.resumed, exchange.heard]).toEqual([1, 0, []]);
    // The bound per principal was not used up, and the true state still is one.
    const second = new Interrupted();
    held.answerSoon(second);
    expect((await second.told).requestState).toMatch(/^router\./);
    expect(retry(requestState)).toBeUndefined();
    expect(held.size).toBe(1);
  });
});

describe('HeldCalls', () => {
  it('tells its own states from those of other routers', async () => {
    const { held, requestState } = await hold();
    expect(held.stateOf(request(PARAMS))).toBe('none');
    expect(held.stateOf(request({ ...PARAMS, requestState }))).toBe('own');
    expect(held.stateOf(request({ ...PARAMS, requestState: 'other.abc' }))).toBe('foreign');
  });

  it('holds only so many calls of one principal, and refuses the next', async () => {
    const { held } = await hold(1);
    const [second, ofAnother] = [
      new Interrupted(),
      new Interrupted(request(PARAMS, { principal: { tenant: 'acme', id: 'bob' } })),
    ];
    held.answerSoon(second);
    held.answerSoon(ofAnother);
    await expect(ofAnother.told).resolves.toHaveProperty('requestState');
    expect(second.refused?.code).toBe('OVERLOADED');
    expect(held.size).toBe(2);
  });

  it('lets questions that come one after another travel together', async () => {
    const { held } = await hold();
    const exchange = new Interrupted();
    held.answerSoon(exchange);
    for (const method of ['roots/list', 'elicitation/create']) {
      // A server writes them at different times; the end of a turn of ours must not tear them apart.
      await new Promise((resolve) => setImmediate(resolve));
      const question = `{"jsonrpc":"2.0","id":"${method}","method":"${method}","params":{}}`;
      exchange.asks.add(scanEnvelope(Buffer.from(question)), () => undefined);
      held.answerSoon(exchange);
    }
    const { inputRequests } = await exchange.told;
    expect(Object.keys(inputRequests)).toHaveLength(3);
  });
});
