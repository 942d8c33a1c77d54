import { BridgeError } from '@mcp-bridge/protocol';
import { Inbox } from './inbox.js';
import { Lane, type LaneOwner } from './lane.js';
import {
  isFinal,
  pauseBefore,
  type ReconnectOptions,
  type ReconnectPolicy,
  reconnectPolicy,
} from './reconnect.js';
import { SessionMemory } from './session-memory.js';
import type { Connect } from './wire.js';
import { failure, isResponse, memberOf, type WireMessage } from './wire-message.js';

/** What every transport can be told. */
export interface TransportOptions {
  /** How a lost connection is opened again; `false` closes the transport instead. */
  readonly reconnect?: ReconnectOptions | false;
  /** Limit for one attempt, the begin of a legacy session included. Default 10 000. */
  readonly connectTimeoutMs?: number;
}

/**
 * - `new`: not started.
 * - `connecting`: the first connection is being opened; if that fails, `start` rejects and the state is `closed`.
 * - `open`: messages go out at once.
 * - `reconnecting`: the connection was lost, or the bridge is leaving; messages wait for the next one.
 * - `closed`: for good.
 */
export type TransportState = 'new' | 'connecting' | 'open' | 'reconnecting' | 'closed';

interface Waiting {
  readonly message: WireMessage;
  resolve(): void;
  reject(error: BridgeError): void;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const MAX_WAITING = 1_000;

/**
 * A transport for the official SDKs, of both lines, that outlives its connections.
 *
 * When a connection is lost, requests in flight are answered with error −31005 (they may have run, so they are never
 * repeated), and messages sent meanwhile wait. A legacy session is begun again on the next connection, with its log
 * level and subscriptions; 2026-07-28 needs nothing. A gateway that announces its end (GOAWAY) is left without loss:
 * it answers what it has, and what it refuses goes to the next one.
 */
export class BridgeTransport implements LaneOwner {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: WireMessage) => void) | undefined;
  readonly #connect: Connect;
  readonly #policy: ReconnectPolicy | undefined;
  readonly #connectTimeoutMs: number;
  readonly #session = new SessionMemory();
  readonly #ended = new AbortController();
  readonly #leaving = new Set<Lane>();
  readonly #inbox = new Inbox((message) => this.onmessage?.(message));
  #state: TransportState = 'new';
  #lane: Lane | undefined = undefined;
  #waiting: Waiting[] = [];

  constructor(connect: Connect, options: TransportOptions) {
    this.#connect = connect;
    this.#policy = reconnectPolicy(options.reconnect);
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  }

  get state(): TransportState {
    return this.#state;
  }

  /**
   * Opens the first connection. The SDKs call it.
   * @throws {BridgeError} UNAUTHENTICATED, UPSTREAM_UNAVAILABLE, DEADLINE_EXCEEDED, …
   */
  async start(): Promise<void> {
    if (this.#state !== 'new')
      throw new BridgeError('INTERNAL', 'A transport is started once; make another one');
    this.#state = 'connecting';
    try {
      this.#adopt(await this.#open());
    } catch (error) {
      this.#state = 'closed';
      throw error;
    }
  }

  /**
   * Sends one message; resolves when it was handed to a connection.
   * @throws {BridgeError} UPSTREAM_UNAVAILABLE when there is none and will be none, OVERLOADED when too much waits,
   * PAYLOAD_TOO_LARGE when the bridge takes no message of that size
   */
  async send(message: WireMessage): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'new') {
      throw new BridgeError('UPSTREAM_UNAVAILABLE', `The transport is ${this.#state}`);
    }
    const lane = this.#laneFor(message);
    if (lane === undefined) await this.#wait(message);
    else if (lane !== 'nowhere') this.#dispatch(lane, message);
  }

  /** Closes every connection after what was sent. Idempotent. */
  close(): Promise<void> {
    this.#end(undefined);
    return Promise.resolve();
  }

  /** For the connections. */
  deliver(message: WireMessage, request?: WireMessage): void {
    if (this.#state === 'closed') return;
    if (request !== undefined) this.#session.answered(request, message);
    this.#inbox.add(message);
  }

  /** For the connections. */
  refused(request: WireMessage): void {
    this.send(request).catch((error: unknown) => {
      this.deliver(failure(request, BridgeError.from(error)), request);
    });
  }

  /** For the connections. */
  leaving(lane: Lane): boolean {
    if (this.#policy === undefined) return false;
    this.#leaving.add(lane);
    if (this.#lane === lane) void this.#reconnect(this.#policy, 'at once');
    return true;
  }

  /** For the connections. */
  fault(error: BridgeError): void {
    if (this.#state !== 'closed') this.onerror?.(error);
  }

  /** For the connections. */
  closed(lane: Lane, error: BridgeError): void {
    this.#leaving.delete(lane);
    // One that is not in use was left on purpose, or is being opened by somebody who sees it end.
    if (this.#state === 'closed' || this.#lane !== lane) return;
    if (this.#policy === undefined) {
      this.#end(error);
    } else {
      this.fault(error);
      void this.#reconnect(this.#policy, 'after a pause');
    }
  }

  /** Where the message goes: to a connection, nowhere because what it concerns is gone, or to the next connection. */
  #laneFor(message: WireMessage): Lane | 'nowhere' | undefined {
    const lanes = this.#lane === undefined ? [...this.#leaving] : [this.#lane, ...this.#leaving];
    if (isResponse(message)) return lanes.find((lane) => lane.takesResponse(message.id)) ?? 'nowhere';
    if (message.method !== 'notifications/cancelled') return this.#lane;
    const requestId = memberOf(message.params, 'requestId');
    const waiting = this.#waiting.findIndex((entry) => entry.message.id === requestId);
    for (const { resolve } of waiting < 0 ? [] : this.#waiting.splice(waiting, 1)) resolve();
    return lanes.find((lane) => lane.has(requestId)) ?? 'nowhere';
  }

  #dispatch(lane: Lane, message: WireMessage): void {
    lane.send(message);
    this.#session.notified(message);
  }

  #wait(message: WireMessage): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new BridgeError('OVERLOADED', 'Too many messages wait for a connection; try again later');
    }
    return new Promise((resolve, reject) => this.#waiting.push({ message, resolve, reject }));
  }

  /** Opens a connection and begins the session again on it. */
  async #open(): Promise<Lane> {
    const lane = new Lane(this);
    const attempt = new AbortController();
    const giveUp = (error: BridgeError): void => attempt.abort(error);
    const onEnded = (): void => giveUp(new BridgeError('CANCELLED', 'The transport was closed'));
    const timer = setTimeout(
      () => giveUp(new BridgeError('DEADLINE_EXCEEDED', 'The bridge did not answer in time')),
      this.#connectTimeoutMs,
    );
    this.#ended.signal.addEventListener('abort', onEnded);
    try {
      lane.use(await this.#connect(lane, attempt.signal));
      await Promise.race([this.#session.replay(lane), lane.untilClosed(), rejectedBy(attempt.signal)]);
      return lane;
    } catch (error) {
      lane.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#ended.signal.removeEventListener('abort', onEnded);
    }
  }

  #adopt(lane: Lane): void {
    this.#lane = lane;
    this.#state = 'open';
    for (const { message, resolve, reject } of this.#waiting.splice(0)) {
      try {
        this.#dispatch(lane, message);
        resolve();
      } catch (error) {
        reject(BridgeError.from(error));
      }
    }
  }

  async #reconnect(policy: ReconnectPolicy, when: 'at once' | 'after a pause'): Promise<void> {
    this.#lane = undefined;
    this.#state = 'reconnecting';
    const giveUpAt = performance.now() + policy.giveUpAfterMs;
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0 || when === 'after a pause') await pauseBefore(attempt, policy, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      try {
        this.#adopt(await this.#open());
        return;
      } catch (thrown) {
        const error = BridgeError.from(thrown);
        if (isFinal(error.code) || performance.now() >= giveUpAt) {
          this.#end(error);
          return;
        }
        this.fault(error);
      }
    }
  }

  #end(error: BridgeError | undefined): void {
    if (this.#state === 'closed') return;
    this.#inbox.flush();
    if (error !== undefined) this.onerror?.(error);
    this.#state = 'closed';
    this.#ended.abort();
    this.#lane?.finish();
    for (const lane of this.#leaving) lane.finish();
    const why = new BridgeError('UPSTREAM_UNAVAILABLE', 'The transport is closed', { cause: error });
    for (const { reject } of this.#waiting.splice(0)) reject(why);
    this.onclose?.();
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = (): void => reject(BridgeError.from(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
}
