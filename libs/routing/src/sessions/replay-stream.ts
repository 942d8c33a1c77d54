import { errorReply, resultReply } from '@mcp-bridge/protocol';
import type { BridgeError } from '@mcp-bridge/protocol';
import type { CallSink } from '@mcp-bridge/link';

/** Bounds of one stream's log. Older messages are forgotten first. */
const MAX_MESSAGES = 256;
const MAX_BYTES = 1024 * 1024;

/**
 * A reply that comes sooner, and first, reaches the client as one JSON object without event ids: nothing to resume.
 * The gateway opens a stream after 250 ms; the rest is for a busy machine.
 */
const UNSEEN_MS = 150;

const EMPTY_RESULT = Buffer.from('{}');

/**
 * The messages of one SSE stream of a legacy session, kept so that `Last-Event-ID` can ask for them again.
 * Message n here is event `<stream>-n` at the edge; both count in the order of sending (event 0 primes).
 * Spec: 2025-11-25 basic/transports, "Resumability and Redelivery".
 */
export class ReplayStream {
  readonly id: string;
  readonly #requestId: string;
  readonly #forget: (stream: ReplayStream) => void;
  readonly #startedAt = performance.now();
  #messages: Buffer[] = [];
  /** Sequence number of `#messages[0]`. */
  #first = 1;
  #bytes = 0;
  #reader: CallSink | undefined;
  #done = false;

  /**
   * @param id - the edge's
   * @param requestId - raw JSON id of the request whose reply ends the stream
   * @param forget - called when nobody can ever ask for this stream
   */
  constructor(id: string, requestId: string, forget: (stream: ReplayStream) => void) {
    this.id = id;
    this.#requestId = requestId;
    this.#forget = forget;
  }

  get done(): boolean {
    return this.#done;
  }

  append(message: Buffer): void {
    this.#messages.push(message);
    this.#bytes += message.length;
    while (this.#messages.length > MAX_MESSAGES || (this.#bytes > MAX_BYTES && this.#messages.length > 1)) {
      this.#bytes -= this.#messages.shift()?.length ?? 0;
      this.#first += 1;
    }
    this.#reader?.onMessage(message);
  }

  /** Logs the reply as the stream's last message. */
  finish(result: Buffer): void {
    if (this.#unseen()) this.#forget(this);
    else this.append(resultReply(this.#requestId, result));
    this.#close();
  }

  fail(error: BridgeError): void {
    if (this.#unseen()) this.#forget(this);
    else this.append(errorReply(this.#requestId, error));
    this.#close();
  }

  /** The call was cancelled: there is no reply to wait for. */
  abandon(): void {
    this.#close();
  }

  /**
   * Sends everything after `after`, then what follows live. Only the newest reader gets messages, so none is
   * delivered twice; the reader's call ends when the stream's reply has been sent.
   */
  resume(after: number, reader: CallSink): void {
    this.#reader?.onResult(EMPTY_RESULT);
    this.#reader = undefined;
    for (let i = Math.max(0, after + 1 - this.#first); i < this.#messages.length; i += 1) {
      const message = this.#messages[i];
      if (message !== undefined) reader.onMessage(message);
    }
    if (this.#done) reader.onResult(EMPTY_RESULT);
    else this.#reader = reader;
  }

  detach(reader: CallSink): void {
    if (this.#reader === reader) this.#reader = undefined;
  }

  #unseen(): boolean {
    const { length } = this.#messages;
    return length === 0 && this.#first === 1 && this.#reader === undefined && this.#age() < UNSEEN_MS;
  }

  #age(): number {
    return performance.now() - this.#startedAt;
  }

  #close(): void {
    this.#done = true;
    this.#reader?.onResult(EMPTY_RESULT);
    this.#reader = undefined;
  }
}
