import { BridgeError } from '@mcp-bridge/protocol';
import type { ReplayPort } from './session-memory.js';
import type { Wire, WireEvents } from './wire.js';
import { failure, idKey, isErrorOf, isRequest, isResponse, type WireMessage } from './wire-message.js';

/** Hears what becomes of one connection. */
export interface LaneOwner {
  /** A message for the SDK; `request` is what it answers. */
  deliver(message: WireMessage, request?: WireMessage): void;
  /** A request did not run here: it may be sent elsewhere. */
  refused(request: WireMessage): void;
  /** False when it stays in use. */
  leaving(lane: Lane): boolean;
  fault(error: BridgeError): void;
  closed(lane: Lane, error: BridgeError): void;
}

const REPLAY_ID = 'mcp-bridge:replay:';
const LOST = new BridgeError(
  'OUTCOME_UNKNOWN',
  'The connection was lost before the reply came; the request may have run',
);

/** One connection, and the requests that are in flight on it in both directions. */
export class Lane implements WireEvents, ReplayPort {
  readonly #owner: LaneOwner;
  #wire: Wire | undefined = undefined;
  /** Requests of the SDK that have no reply yet. */
  readonly #pending = new Map<string, WireMessage>();
  /** Requests of the bridge that the SDK has not answered. */
  readonly #asked = new Set<string>();
  readonly #replays = new Map<string, (reply: WireMessage) => void>();
  #isLeaving = false;
  #closedBy: BridgeError | undefined = undefined;
  #onClosed: ((error: BridgeError) => void) | undefined = undefined;

  constructor(owner: LaneOwner) {
    this.#owner = owner;
  }

  use(wire: Wire): void {
    this.#wire = wire;
  }

  /** Rejects when the connection ends. */
  untilClosed(): Promise<never> {
    return new Promise((_resolve, reject) => {
      if (this.#closedBy === undefined) this.#onClosed = reject;
      else reject(this.#closedBy);
    });
  }

  has(requestId: unknown): boolean {
    return this.#pending.has(idKey(requestId) ?? '');
  }

  /** True when the bridge has asked for this response here. */
  takesResponse(id: unknown): boolean {
    return this.#asked.delete(idKey(id) ?? '');
  }

  /** @throws {BridgeError} when the message cannot be sent */
  send(message: WireMessage): void {
    this.#wire?.send(message);
    const key = isRequest(message) ? idKey(message.id) : undefined;
    if (key !== undefined) this.#pending.set(key, message);
  }

  request(message: WireMessage): Promise<WireMessage> {
    const id = `${REPLAY_ID}${this.#replays.size}`;
    return new Promise((resolve) => {
      this.#replays.set(id, resolve);
      this.#wire?.send({ ...message, id });
    });
  }

  notify(message: WireMessage): void {
    this.#wire?.send(message);
  }

  /** Closes it after what was sent. */
  finish(): void {
    this.#wire?.finish();
  }

  destroy(): void {
    this.#wire?.destroy();
  }

  onMessage(message: WireMessage): void {
    if (!isResponse(message)) {
      const key = isRequest(message) ? idKey(message.id) : undefined;
      if (key !== undefined) this.#asked.add(key);
      this.#owner.deliver(message);
      return;
    }
    const replay = this.#replays.get(String(message.id));
    if (replay !== undefined) {
      replay(message);
      return;
    }
    const key = idKey(message.id) ?? '';
    const request = this.#pending.get(key);
    this.#pending.delete(key);
    if (request !== undefined && this.#isLeaving && isErrorOf(message, 'DRAINING'))
      this.#owner.refused(request);
    else this.#owner.deliver(message, request);
    if (this.#isLeaving) this.#finishWhenIdle();
  }

  onLeaving(): void {
    if (!this.#isLeaving && this.#owner.leaving(this)) this.#finishWhenIdle();
  }

  onFault(error: BridgeError): void {
    this.#owner.fault(error);
  }

  onClosed(error: BridgeError): void {
    this.#closedBy = error;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of lost) this.#owner.deliver(failure(request, LOST), request);
    this.#onClosed?.(error);
    this.#owner.closed(this, error);
  }

  #finishWhenIdle(): void {
    this.#isLeaving = true;
    if (this.#pending.size === 0) this.#wire?.finish();
  }
}
