import type { DeadlineWheel, Link } from '@mcp-bridge/link';
import { BridgeError, type Envelope } from '@mcp-bridge/protocol';
import { toInternalCall } from '../calls/call-request.js';
import type { Client } from '../calls/client.js';
import type { Initialized } from '../sessions/initialize.js';
import { UnsolicitedStream } from './unsolicited-stream.js';

/** What the sessions of one transport share. */
export interface SessionHost {
  readonly link: Link;
  readonly wheel: DeadlineWheel;
  /** Most messages, and bytes of them, that may wait for the answer to `initialize`. */
  readonly maxInFlight: number;
  readonly maxBufferedBytes: number;
}

/** The conversation that a session is part of. */
export interface SessionOwner {
  /** Writes what belongs to no request. */
  write(message: Buffer): void;
  end(reason: 'session-ended'): void;
}

const END_TIMEOUT_MS = 10_000;
const NO_REPLY = { onMessage() {}, onResult() {}, onError() {} };

/**
 * The legacy session of a channel: none, then `beginning` while `initialize` is answered, then one client, until
 * the channel closes. Messages that come while it begins wait for their turn: scripts write all at once.
 */
export class LegacySession {
  readonly #host: SessionHost;
  readonly #owner: SessionOwner;
  #client: Client | undefined = undefined;
  #beginning = false;
  #held: Envelope[] = [];
  #heldBytes = 0;
  #stream: UnsolicitedStream | undefined = undefined;

  constructor(host: SessionHost, owner: SessionOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  get beginning(): boolean {
    return this.#beginning;
  }

  /** @throws {BridgeError} INVALID_PARAMS before `initialize` was answered */
  get client(): Client {
    if (this.#client !== undefined) return this.#client;
    throw new BridgeError(
      'INVALID_PARAMS',
      'Invalid params: send initialize first, or name the protocol version in _meta as 2026-07-28 requires',
    );
  }

  /** @throws {BridgeError} INVALID_REQUEST when there is a session, or one begins */
  requireNone(): void {
    if (!this.#beginning && this.#client === undefined) return;
    throw new BridgeError('INVALID_REQUEST', 'This connection is initialized already; open another one');
  }

  /** Begins the session with what answers its `initialize`; resolves with the result, or rejects as that does. */
  async begin(initialized: Promise<Initialized>): Promise<Buffer> {
    this.#beginning = true;
    try {
      const { result, client } = await initialized;
      this.#client = client;
      return result;
    } finally {
      this.#beginning = false;
    }
  }

  /** False when too much waits already. */
  hold(envelope: Envelope): boolean {
    const size = envelope.bytes.length;
    if (this.#held.length >= this.#host.maxInFlight) return false;
    if (this.#heldBytes + size > this.#host.maxBufferedBytes) return false;
    this.#held.push(envelope);
    this.#heldBytes += size;
    return true;
  }

  /** What waited for the session, in its order. */
  release(): readonly Envelope[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  /**
   * The client has begun to use the session: from now on it may be sent what belongs to no request. Not before,
   * because servers must not send requests until the client is initialized.
   */
  use(): Client {
    const { client } = this;
    if (this.#stream === undefined) {
      const { link, wheel } = this.#host;
      this.#stream = new UnsolicitedStream({
        link,
        wheel,
        client,
        onMessage: (message) => this.#owner.write(message),
        onSessionEnded: () => this.#owner.end('session-ended'),
      });
    }
    return client;
  }

  /** Passes a notification or a response on to the session's router; without a session it means nothing. */
  input(envelope: Envelope): void {
    if (this.#client === undefined) return;
    const { principal, view, session } = this.use();
    const { bytes, message } = envelope;
    this.#host.link.input({
      principal,
      view,
      session,
      message: bytes.subarray(message.start, message.end),
    });
  }

  /** The channel is gone, and the session with it. */
  end(): void {
    this.#held = [];
    if (this.#client === undefined || this.#stream === undefined) return;
    this.#stream.close();
    this.#stream = undefined;
    this.#host.link.call(
      toInternalCall('session/end', this.#client, { timeoutMs: END_TIMEOUT_MS }),
      NO_REPLY,
    );
  }
}
