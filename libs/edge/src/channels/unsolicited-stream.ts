import {
  type CallHandle,
  type CallSink,
  createDeadline,
  type DeadlineWheel,
  type Link,
} from '@mcp-bridge/link';
import type { BridgeError } from '@mcp-bridge/protocol';
import { closeStreamRetryMs } from '../calls/bridge-signal.js';
import { toInternalCall } from '../calls/call-request.js';
import type { Client } from '../calls/client.js';

/** First pause before the stream is opened again; doubles up to the longest. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export interface UnsolicitedStreamOptions {
  readonly link: Link;
  readonly wheel: DeadlineWheel;
  readonly client: Client;
  onMessage(message: Buffer): void;
  /** The router knows the session no more. */
  onSessionEnded(): void;
}

/**
 * What belongs to no request of a legacy session, such as list changes: the counterpart of the GET stream, kept
 * open for as long as the connection. When its link or router goes, it is opened again; the router keeps what
 * comes meanwhile.
 */
export class UnsolicitedStream implements CallSink {
  readonly #options: UnsolicitedStreamOptions;
  readonly #again = createDeadline(() => this.#open());
  #handle: CallHandle | undefined = undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closed = false;

  constructor(options: UnsolicitedStreamOptions) {
    this.#options = options;
    this.#open();
  }

  onMessage(message: Buffer): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    if (closeStreamRetryMs(message) === undefined) this.#options.onMessage(message);
  }

  onResult(): void {
    this.#openLater();
  }

  onError(error: BridgeError): void {
    if (error.code === 'SESSION_NOT_FOUND') this.#options.onSessionEnded();
    else this.#openLater();
  }

  close(): void {
    this.#closed = true;
    this.#options.wheel.remove(this.#again);
    this.#handle?.cancel('client');
  }

  #open(): void {
    const { link, client } = this.#options;
    this.#handle = link.call(toInternalCall('session/stream', client, { timeoutMs: 0 }), this);
  }

  #openLater(): void {
    if (this.#closed) return;
    const { wheel } = this.#options;
    wheel.add(this.#again, wheel.now() + this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
