import type { HttpResponse } from 'uWebSockets.js';

/** Bytes on their way to a client that may not take them as fast as they come. */
export interface Outflow {
  /** Everything was handed to uWebSockets.js. */
  readonly empty: boolean;
  /** Monotonic milliseconds since when the client takes nothing; 0 while it does. */
  readonly stalledSince: number;
  /** To be called when the socket takes data again. */
  writable(offset: number): void;
}

/** Frames are handed over in pieces of this size, so that a slow client's data waits here, where it is counted. */
const PIECE_BYTES = 64 * 1024;

/** The frames of an event stream. Holds at most `maxBytes`, plus one piece inside uWebSockets.js. */
export class EventQueue implements Outflow {
  stalledSince = 0;
  readonly #res: HttpResponse;
  readonly #maxBytes: number;
  readonly #now: () => number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(res: HttpResponse, maxBytes: number, now: () => number) {
    this.#res = res;
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False when more waits than may: the client must be cut off. */
  push(frame: Buffer): boolean {
    if (this.stalledSince > 0 || frame.length > PIECE_BYTES) {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
      if (this.stalledSince === 0) this.#drain();
      return this.#waitingBytes <= this.#maxBytes;
    }
    this.#write(frame);
    return true;
  }

  writable(): void {
    this.stalledSince = 0;
    this.#drain();
  }

  #drain(): void {
    this.#res.cork(() => {
      let next = this.#waiting[0];
      while (next !== undefined && this.stalledSince === 0) {
        const piece = next.subarray(0, PIECE_BYTES);
        if (piece.length === next.length) this.#waiting.shift();
        else this.#waiting[0] = next.subarray(PIECE_BYTES);
        this.#waitingBytes -= piece.length;
        if (!this.#res.write(piece)) this.stalledSince = this.#now();
        next = this.#waiting[0];
      }
    });
  }

  #write(frame: Buffer): void {
    this.#res.cork(() => {
      if (!this.#res.write(frame)) this.stalledSince = this.#now();
    });
  }
}

/** One large body, of which uWebSockets.js never holds more than the socket takes. */
export class BodyOutflow implements Outflow {
  empty = false;
  stalledSince = 0;
  /** Of the whole body. */
  readonly bytes: number;
  readonly #res: HttpResponse;
  readonly #parts: readonly Buffer[];
  readonly #now: () => number;

  /** @param parts - of the body, in order; put together they would be copied once more */
  constructor(res: HttpResponse, parts: readonly Buffer[], now: () => number) {
    this.#res = res;
    this.#parts = parts;
    this.bytes = parts.reduce((sum, { length }) => sum + length, 0);
    this.#now = now;
  }

  /** Begins to write; to be called corked, after the headers. */
  start(): void {
    this.#write(0);
  }

  writable(offset: number): void {
    this.#write(offset);
  }

  #write(offset: number): void {
    let begin = 0;
    for (const part of this.#parts) {
      const written = Math.max(0, offset - begin);
      begin += part.length;
      if (written >= part.length) continue;
      const [ok, done] = this.#res.tryEnd(written === 0 ? part : part.subarray(written), this.bytes);
      this.empty = done;
      this.stalledSince = ok || done ? 0 : this.#now();
      if (!ok || done) return;
    }
  }
}
