const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

/**
 * Collects the replies to a JSON-RPC batch (2025-03-26 sessions) and writes them as one array when the last one
 * is there. What would be more than `maxBytes` is written before; clients match replies by their ids.
 */
export class BatchReplies {
  readonly #maxBytes: number;
  readonly #write: (message: Buffer) => void;
  #pending: number;
  #replies: Buffer[] = [];
  #bytes = 0;

  /** @param requests - how often `add` or `skip` will be called */
  constructor(requests: number, maxBytes: number, write: (message: Buffer) => void) {
    this.#pending = requests;
    this.#maxBytes = maxBytes;
    this.#write = write;
  }

  add(reply: Buffer): void {
    this.#replies.push(reply);
    this.#bytes += reply.length;
    this.#pending -= 1;
    if (this.#pending === 0 || this.#bytes > this.#maxBytes) this.#flush();
  }

  /** One request gets no reply: it was cancelled. */
  skip(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#flush();
  }

  #flush(): void {
    if (this.#replies.length === 0) return;
    const parts = this.#replies.flatMap((reply, index) => (index === 0 ? [reply] : [COMMA, reply]));
    this.#replies = [];
    this.#bytes = 0;
    this.#write(Buffer.concat([OPEN, ...parts, CLOSE]));
  }
}
