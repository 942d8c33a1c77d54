const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const JOIN = Buffer.from([LF]);
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const MAX_RETRY_MS = 60_000;
const MESSAGE_TYPE = 'message';
const MESSAGE = Buffer.from(MESSAGE_TYPE);
const MAX_TYPE_BYTES = 32;

export interface SseListener {
  /** The data of one `message` event, its lines joined by LF. */
  onEvent(data: Buffer): void;
  /** An event of another type; at most the first 32 characters of the type. */
  onOtherEvent?(type: string, data: Buffer): void;
  /** An event or line grew beyond the bound; the parser has stopped. */
  onOverflow(): void;
}

/**
 * Reads Server-Sent Events from chunks of bytes (WHATWG HTML, "Interpreting an event stream"). An event within one
 * chunk is a view of it; nothing is decoded.
 */
export class SseParser {
  /** Id of the last event that had one, `''` before. */
  lastEventId = '';
  /** The server's wish how long to wait before reconnecting, `undefined` until it is told; at most a minute. */
  retryMs: number | undefined;
  readonly #maxEventBytes: number;
  readonly #listener: SseListener;
  #partial: Buffer[] = [];
  #data: Buffer[] = [];
  /** Bytes held in `#partial` and `#data`. */
  #held = 0;
  #eventId: string | undefined;
  #type = MESSAGE_TYPE;
  #skipLf = false;
  #atStart = true;
  #stopped = false;

  constructor(maxEventBytes: number, listener: SseListener) {
    this.#maxEventBytes = maxEventBytes;
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    let start = this.#skipLf && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#skipLf = false;
    let lf = chunk.indexOf(LF, start);
    let cr = chunk.indexOf(CR, start);
    while (!this.#stopped && (lf >= 0 || cr >= 0)) {
      const end = cr < 0 || (lf >= 0 && lf < cr) ? lf : cr;
      const tail = chunk.subarray(start, end);
      start = end + 1;
      if (end === cr) {
        if (start === chunk.length) this.#skipLf = true;
        else if (chunk[start] === LF) start += 1;
        cr = chunk.indexOf(CR, start);
      }
      if (lf >= 0 && lf < start) lf = chunk.indexOf(LF, start);
      if (this.#held + tail.length > this.#maxEventBytes) return this.#overflow();
      this.#line(this.#complete(tail));
    }
    if (this.#stopped || start >= chunk.length) return;
    const rest = chunk.subarray(start);
    this.#held += rest.length;
    if (this.#held > this.#maxEventBytes) return this.#overflow();
    this.#partial.push(rest);
  }

  /** Drops everything; nothing is reported any more. An event that was not ended by an empty line is lost. */
  stop(): void {
    this.#stopped = true;
    this.#partial = [];
    this.#data = [];
  }

  #complete(tail: Buffer): Buffer {
    let line = tail;
    if (this.#partial.length > 0) {
      for (const part of this.#partial) this.#held -= part.length;
      line = Buffer.concat([...this.#partial, tail]);
      this.#partial = [];
    }
    if (!this.#atStart) return line;
    this.#atStart = false;
    return line.subarray(0, 3).equals(BOM) ? line.subarray(3) : line;
  }

  #line(line: Buffer): void {
    if (line.length === 0) return this.#dispatch();
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const name = line.toString('latin1', 0, colon < 0 ? Math.min(line.length, 8) : Math.min(colon, 8));
    let from = colon < 0 ? line.length : colon + 1;
    if (line[from] === SPACE) from += 1;
    const value = line.subarray(from);
    if (name === 'data') {
      this.#data.push(value);
      this.#held += value.length;
    } else if (name === 'id') {
      if (!value.includes(0)) this.#eventId = value.toString('utf8');
    } else if (name === 'event') {
      const isMessage = value.length === 0 || value.equals(MESSAGE);
      this.#type = isMessage ? MESSAGE_TYPE : value.toString('utf8', 0, MAX_TYPE_BYTES);
    } else if (name === 'retry') {
      const text = value.toString('latin1');
      if (/^\d{1,9}$/.test(text)) this.retryMs = Math.min(Number(text), MAX_RETRY_MS);
    }
  }

  #dispatch(): void {
    const lines = this.#data;
    const type = this.#type;
    if (this.#eventId !== undefined) this.lastEventId = this.#eventId;
    this.#data = [];
    this.#held = 0;
    this.#eventId = undefined;
    this.#type = MESSAGE_TYPE;
    const data = lines.length > 1 ? joined(lines) : lines[0];
    if (data === undefined || data.length === 0) return;
    if (type === MESSAGE_TYPE) this.#listener.onEvent(data);
    else this.#listener.onOtherEvent?.(type, data);
  }

  #overflow(): void {
    this.stop();
    this.#listener.onOverflow();
  }
}

function joined(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [JOIN, line])));
}
