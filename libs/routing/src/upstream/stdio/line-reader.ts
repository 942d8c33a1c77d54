const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Cuts a byte stream into lines. A line within one chunk is a view of it, a line across chunks is copied once;
 * lines are handed out without their end (LF or CRLF), empty ones are skipped.
 */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: Buffer) => void;
  readonly #onOverflow: () => void;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #stopped = false;

  /**
   * @param maxBytes - a longer line stops the reader for good and calls `onOverflow`, once
   */
  constructor(maxBytes: number, onLine: (line: Buffer) => void, onOverflow: () => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onOverflow = onOverflow;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (!this.#stopped) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const tail = chunk.subarray(start, end);
      start = end + 1;
      if (this.#partBytes + tail.length > this.#maxBytes) return this.#overflow();
      this.#emit(tail);
    }
    if (this.#stopped || start === chunk.length) return;
    const rest = chunk.subarray(start);
    this.#partBytes += rest.length;
    if (this.#partBytes > this.#maxBytes) return this.#overflow();
    this.#parts.push(rest);
  }

  stop(): void {
    this.#stopped = true;
    this.#parts = [];
  }

  #emit(tail: Buffer): void {
    let line = tail;
    if (this.#parts.length > 0) {
      this.#parts.push(tail);
      line = Buffer.concat(this.#parts, this.#partBytes + tail.length);
      this.#parts = [];
      this.#partBytes = 0;
    }
    if (line[line.length - 1] === CARRIAGE_RETURN) line = line.subarray(0, line.length - 1);
    if (line.length > 0) this.#onLine(line);
  }

  #overflow(): void {
    this.stop();
    this.#onOverflow();
  }
}
