import { createHash, randomBytes } from 'node:crypto';
import { BridgeError } from '@mcp-bridge/protocol';
import type { CallRequest, Principal } from '@mcp-bridge/link';
import type { Sealer } from '@mcp-bridge/identity';
import type { ActiveCall } from '../dispatch/active-call.js';
import type { OpenAsks } from './open-asks.js';

/** What a held exchange offers to its keeper. */
export interface HeldExchange {
  readonly request: CallRequest;
  readonly asks: OpenAsks;
  /** A client call waits at this moment. */
  readonly attached: boolean;
  detach(result: Buffer): void;
  resume(call: ActiveCall): void;
  /** Ends the waiting client call with this error, and the upstream call. */
  refuse(error: BridgeError): void;
  abandon(reason: string): void;
}

/**
 * Silence after which a server is taken to have asked all that it wants now. Questions put together come in as many
 * reads as the system likes; the client that has to answer them is slower than this by far.
 */
const GATHER_MS = 50;
/** More questions than this do not put off the answer any further. */
const MAX_GATHERED = 32;

/** As bytes: it is looked for in every call of a modern client. */
const STATE_KEY = Buffer.from('"requestState"');

export interface HeldCallsOptions {
  readonly sealer: Sealer;
  /** Names this router in front of the sealed state, so that a gateway finds the way back. */
  readonly routerId: string;
  /** How long a client may think. */
  readonly ttlMs: number;
  readonly maxHeld: number;
  readonly maxHeldPerPrincipal: number;
  /** Wall clock in milliseconds, for the expiry inside the sealed state. */
  readonly now?: () => number;
}

/** What the sealed `requestState` says; every field is checked on the retry. */
interface State {
  /** Held call. */
  readonly h: string;
  /** Tenant and principal. */
  readonly t: string;
  readonly p: string;
  /** Method, and digest of the params that must not change between the rounds. */
  readonly m: string;
  readonly d: string;
  /** Expiry, epoch milliseconds. */
  readonly e: number;
}

interface Held {
  readonly exchange: HeldExchange;
  readonly owner: string;
  readonly expiresAt: number;
}

/**
 * Calls of modern clients that a legacy upstream has interrupted with a question. The client got
 * `input_required` with a sealed `requestState`; the upstream call waits here until the retry brings the answers.
 *
 * The state is bound to principal, method, params and expiry, and good for one retry: every round seals a new
 * one (requirement 45; 2026-07-28 basic/patterns/mrtr, "Server Requirements").
 */
export class HeldCalls {
  readonly #options: HeldCallsOptions;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #perOwner = new Map<string, number>();
  readonly #scheduled = new Map<HeldExchange, NodeJS.Timeout>();

  constructor(options: HeldCallsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Answers the waiting client when no further question comes for a moment, so that questions put together travel together. */
  answerSoon(exchange: HeldExchange): void {
    const scheduled = this.#scheduled.get(exchange);
    if (scheduled !== undefined) {
      if (exchange.asks.size <= MAX_GATHERED) scheduled.refresh();
      return;
    }
    const timer = setTimeout(() => {
      this.#scheduled.delete(exchange);
      if (exchange.attached && exchange.asks.size > 0) this.#hold(exchange);
    }, GATHER_MS);
    this.#scheduled.set(exchange, timer);
  }

  /** Whose `requestState` comes back with this request, if any: a state of ours names this router in front. */
  stateOf(request: CallRequest): 'none' | 'own' | 'foreign' {
    if (!request.params.includes(STATE_KEY)) return 'none';
    // The gateway validated the params as a JSON object.
    const { requestState } = JSON.parse(request.params.toString('utf8')) as { requestState?: unknown };
    if (requestState === undefined) return 'none';
    return typeof requestState === 'string' && requestState.startsWith(`${this.#options.routerId}.`)
      ? 'own'
      : 'foreign';
  }

  /**
   * Gives a retry's answers to the call that it continues.
   * @throws {BridgeError} INVALID_PARAMS for a state that is forged, foreign, replayed, expired or of another call
   */
  resume(call: ActiveCall): void {
    const { request } = call;
    // The gateway validated the params as a JSON object.
    const params = JSON.parse(request.params.toString('utf8')) as Record<string, unknown>;
    const id = this.#verify(request, params);
    const held = this.#held.get(id);
    if (held === undefined) throw refusedState();
    this.#forget(id, held);
    const { inputResponses } = params;
    held.exchange.resume(call);
    if (typeof inputResponses === 'object' && inputResponses !== null) {
      // JSON objects are records; OpenAsks checks each value.
      held.exchange.asks.answer(inputResponses as Record<string, unknown>);
    }
    if (held.exchange.attached && held.exchange.asks.size > 0) this.answerSoon(held.exchange);
  }

  /** Ends the calls whose clients did not come back in time. */
  reap(): void {
    const now = this.#now();
    for (const [id, held] of this.#held) {
      if (held.expiresAt > now) continue;
      this.#forget(id, held);
      held.exchange.abandon('The client did not answer in time');
    }
  }

  close(): void {
    for (const [id, held] of this.#held) {
      this.#forget(id, held);
      held.exchange.abandon('The router is shutting down');
    }
  }

  #hold(exchange: HeldExchange): void {
    const { request } = exchange;
    const owner = ownerOf(request.principal);
    const count = this.#perOwner.get(owner) ?? 0;
    if (this.#held.size >= this.#options.maxHeld || count >= this.#options.maxHeldPerPrincipal) {
      exchange.refuse(
        new BridgeError('OVERLOADED', 'Too many calls wait for input; answer or drop some first'),
      );
      return;
    }
    const id = randomBytes(16).toString('base64url');
    const expiresAt = this.#now() + this.#options.ttlMs;
    this.#held.set(id, { exchange, owner, expiresAt });
    this.#perOwner.set(owner, count + 1);
    const state: State = {
      h: id,
      t: request.principal.tenant,
      p: request.principal.id,
      m: request.method,
      d: digestOf(JSON.parse(request.params.toString('utf8')) as Record<string, unknown>),
      e: expiresAt,
    };
    const sealed = `${this.#options.routerId}.${this.#options.sealer.seal(Buffer.from(JSON.stringify(state)))}`;
    exchange.detach(
      Buffer.from(
        `{"resultType":"input_required","inputRequests":${exchange.asks.inputRequests()},"requestState":"${sealed}"}`,
      ),
    );
  }

  #verify(request: CallRequest, params: Record<string, unknown>): string {
    const { requestState } = params;
    if (typeof requestState !== 'string') throw refusedState();
    const opened = this.#options.sealer.open(requestState.slice(requestState.indexOf('.') + 1));
    if (opened === undefined) throw refusedState();
    // Sealed by us a moment ago: the shape is ours.
    const state = JSON.parse(opened.toString('utf8')) as State;
    const valid =
      state.t === request.principal.tenant &&
      state.p === request.principal.id &&
      state.m === request.method &&
      state.e > this.#now() &&
      state.d === digestOf(params);
    if (!valid) throw refusedState();
    return state.h;
  }

  #forget(id: string, held: Held): void {
    this.#held.delete(id);
    const left = (this.#perOwner.get(held.owner) ?? 1) - 1;
    if (left > 0) this.#perOwner.set(held.owner, left);
    else this.#perOwner.delete(held.owner);
  }
}

/** One message for every fault, so that a forger learns nothing. */
export function refusedState(): BridgeError {
  return new BridgeError(
    'INVALID_PARAMS',
    'requestState is not valid for this request; send the call anew without it',
  );
}

function ownerOf(principal: Principal): string {
  return `${principal.tenant}\0${principal.id}`;
}

/** SHA-256 over the params without what may differ between rounds, keys sorted. */
function digestOf(params: Record<string, unknown>): string {
  const { _meta, inputResponses: _responses, requestState: _state, ...salient } = params;
  return createHash('sha256').update(sortedJson(salient)).digest('base64url');
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
