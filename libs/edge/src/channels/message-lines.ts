const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const EMPTY = Buffer.alloc(0);

/** Hears of the lines that a byte stream carries. */
export interface LineReceiver {
  /** One line that is not empty, without its end; the buffer is the receiver's. */
  onLine(line: Buffer): void;
  /** A line was longer than may be; it is skipped to its end. Called once per line, as soon as it is known. */
  onLongLine(): void;
}

const FIRST_CAPACITY = 4096;

/**
 * Splits a byte stream into lines, the framing that stdio and TCP share (2026-07-28 basic/transports/stdio).
 * Holds at most `maxBytes` of an unfinished line, however small the pieces are that it comes in.
 */
export class MessageLines {
  readonly #maxBytes: number;
  readonly #receiver: LineReceiver;
  /** The unfinished line. */
  #part: Buffer | undefined = undefined;
  #size = 0;
  #skipping = false;

  constructor(maxBytes: number, receiver: LineReceiver) {
    this.#maxBytes = maxBytes;
    this.#receiver = receiver;
  }

  /** @param chunk - lines are views of it: do not reuse its memory */
  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#finish(chunk.subarray(from, at));
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** The stream has ended: what lacks its newline counts as a line. */
  end(): void {
    this.#finish(EMPTY);
  }

  #finish(rest: Buffer): void {
    // A line that lies in one chunk is not copied.
    if (this.#part !== undefined) this.#keep(rest);
    else if (rest.length > this.#maxBytes && !this.#skipping) this.#skip();
    const line = this.#part?.subarray(0, this.#size) ?? rest;
    const skipped = this.#skipping;
    this.#part = undefined;
    this.#size = 0;
    this.#skipping = false;
    if (skipped) return;
    const end = line.at(-1) === RETURN ? line.length - 1 : line.length;
    if (end > 0) this.#receiver.onLine(line.subarray(0, end));
  }

  #keep(piece: Buffer): void {
    if (this.#skipping) return;
    const size = this.#size + piece.length;
    if (size > this.#maxBytes) {
      this.#skip();
      return;
    }
    if (this.#part === undefined || this.#part.length < size) {
      const capacity = Math.min(
        Math.max(size, 2 * (this.#part?.length ?? 0), FIRST_CAPACITY),
        this.#maxBytes,
      );
      const larger = Buffer.allocUnsafe(capacity);
      this.#part?.copy(larger, 0, 0, this.#size);
      this.#part = larger;
    }
    piece.copy(this.#part, this.#size);
    this.#size = size;
  }

  #skip(): void {
    this.#part = undefined;
    this.#size = 0;
    this.#skipping = true;
    this.#receiver.onLongLine();
  }
}

/**
 * A message as one line. A line break between two tokens of the JSON would end the line; inside strings there is
 * none.
 */
export function lineOf(message: Buffer): Buffer {
  const line = Buffer.allocUnsafe(message.length + 1);
  message.copy(line);
  line[message.length] = NEWLINE;
  blank(line, NEWLINE, message.length);
  blank(line, RETURN, message.length);
  return line;
}

function blank(line: Buffer, lineBreak: number, end: number): void {
  for (let at = line.indexOf(lineBreak); at >= 0 && at < end; at = line.indexOf(lineBreak, at + 1)) {
    line[at] = SPACE;
  }
}
