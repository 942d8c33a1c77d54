import { creditCost, FRAME_KIND, type FrameEncoding, MAX_CREDIT_BYTES } from '@mcp-bridge/protocol';
import type { SocketWriter } from './socket-writer.js';

/** MESSAGE frames on their way to a client: they leave while it has given credit, and wait in order until then. */
export class CreditedOutbox {
  encoding: FrameEncoding;
  readonly #writer: SocketWriter;
  #credit: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(writer: SocketWriter, encoding: FrameEncoding, credit: number) {
    this.#writer = writer;
    this.encoding = encoding;
    this.#credit = credit;
  }

  /** Bytes that the kernel has not taken, or that there is no credit for. */
  get unsentBytes(): number {
    return this.#waitingBytes + this.#writer.unsentBytes;
  }

  /** @param payload - kept until it is sent: do not mutate it */
  send(payload: Buffer): void {
    if (this.#credit > 0 && this.#waiting.length === 0) {
      this.#write(payload);
    } else {
      this.#waiting.push(payload);
      this.#waitingBytes += payload.length;
    }
  }

  /** False when that is more than a side may have at all. */
  addCredit(bytes: number): boolean {
    this.#credit += bytes;
    let sent = 0;
    for (const payload of this.#waiting) {
      if (this.#credit <= 0) break;
      this.#write(payload);
      this.#waitingBytes -= payload.length;
      sent += 1;
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
    return this.#credit <= MAX_CREDIT_BYTES;
  }

  /** The connection is gone. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #write(payload: Buffer): void {
    this.#credit -= creditCost(payload.length);
    this.#writer.writeFrame(FRAME_KIND.MESSAGE, this.encoding, payload);
  }
}
