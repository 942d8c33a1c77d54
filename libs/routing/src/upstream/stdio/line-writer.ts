import type { Writable } from 'node:stream';

const NEWLINE = Buffer.from('\n');
/** Up to this many bytes, one copy into a single write is cheaper than a vectored write. */
const COPY_BYTES = 256 * 1024;

interface Line {
  readonly parts: readonly Buffer[];
  readonly onSent: (() => void) | undefined;
}

/**
 * Writes lines to a pipe: all lines of one event-loop turn in one write, nothing while the pipe is full.
 * What waits here is bounded and has provably not been sent.
 */
export class LineWriter {
  readonly #stream: Writable;
  readonly #maxQueuedBytes: number;
  #queue: Line[] = [];
  #queuedBytes = 0;
  #scheduled = false;

  constructor(stream: Writable, maxQueuedBytes: number) {
    this.#stream = stream;
    this.#maxQueuedBytes = maxQueuedBytes;
    stream.on('drain', () => this.#flush());
  }

  /**
   * Queues one line, given in parts without newlines.
   * @param onSent - called when the bytes go to the pipe
   * @returns false when the queue is full and the line was not taken
   */
  write(parts: readonly Buffer[], onSent?: () => void): boolean {
    let bytes = 1;
    for (const part of parts) bytes += part.length;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#maxQueuedBytes) return false;
    this.#queue.push({ parts, onSent });
    this.#queuedBytes += bytes;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flushScheduled);
    }
    return true;
  }

  /** Sends what waits and closes the pipe. */
  end(): void {
    this.#flush();
    this.#stream.end();
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#queue.length === 0 || this.#stream.writableNeedDrain || !this.#stream.writable) return;
    const lines = this.#queue;
    const bytes = this.#queuedBytes;
    this.#queue = [];
    this.#queuedBytes = 0;
    const parts: Buffer[] = [];
    for (const line of lines) {
      line.onSent?.();
      parts.push(...line.parts, NEWLINE);
    }
    if (bytes <= COPY_BYTES) {
      this.#stream.write(Buffer.concat(parts, bytes));
      return;
    }
    this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    this.#stream.uncork();
  }
}
