import { FRAME, type Hello, LINK_VERSION, malformed } from './frames.js';
import { FrameReader, type FrameReceiver } from './frame-reader.js';
import type { LinkLimits } from './link-limits.js';
import { Outbox } from './outbox.js';

export interface FrameChannelOptions {
  readonly receiver: FrameReceiver;
  readonly write: (batch: Buffer, done: () => void) => void;
  readonly limits: LinkLimits;
  /** Announced in HELLO. */
  readonly maxInFlight: number;
  readonly routerId: string;
  readonly now: () => number;
}

/** One side of one stream: what goes out, what comes in, and the credit for both. */
export class FrameChannel {
  readonly outbox: Outbox;
  readonly #reader: FrameReader;
  readonly #limits: LinkLimits;
  /** Bytes received and dealt with for which the peer has no credit back yet. */
  #owedCredit = 0;

  constructor(options: FrameChannelOptions) {
    this.#limits = options.limits;
    this.#reader = new FrameReader(options.receiver, options.limits.maxPayloadBytes);
    this.outbox = new Outbox({
      write: options.write,
      now: options.now,
      maxBufferedBytesPerCall: options.limits.maxBufferedBytesPerCall,
      maxBufferedBytes: options.limits.maxBufferedBytes,
    });
    this.outbox.hello({
      version: LINK_VERSION,
      window: options.limits.windowBytes,
      maxPayloadBytes: options.limits.maxPayloadBytes,
      maxInFlight: options.maxInFlight,
      routerId: options.routerId,
    });
  }

  /**
   * Deals with a batch from the peer.
   *
   * @throws {BridgeError} UPSTREAM_PROTOCOL when it is malformed; the stream is of no more use
   */
  receive(batch: Buffer): void {
    this.#reader.read(batch);
    if (isFree(batch)) return;
    this.#owedCredit += batch.length;
    if (this.#owedCredit < this.#limits.windowBytes / 4) return;
    this.outbox.grant(this.#owedCredit);
    this.#owedCredit = 0;
  }

  /** Takes the peer's HELLO: from now on frames may leave. */
  accept(hello: Hello): void {
    if (hello.version !== LINK_VERSION) {
      throw malformed(
        `the peer speaks version ${hello.version}, this side ${LINK_VERSION}; update the older one`,
      );
    }
    this.outbox.addCredit(hello.window);
  }

  /** Drops what has arrived of a message that nobody waits for any more. */
  forget(id: number): void {
    this.#reader.forget(id);
  }
}

/** HELLO and CREDIT travel alone and cost no credit. */
function isFree(batch: Buffer): boolean {
  const kind = batch[4];
  return kind === FRAME.HELLO || kind === FRAME.CREDIT;
}
