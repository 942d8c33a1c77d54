import { malformed } from './frames.js';

/** A payload this many times smaller than its batch is copied out, so that keeping it does not pin the batch. */
const COPY_BELOW_SHARE = 4;
/** Batches up to this size may be pinned by any payload. */
const FREE_TO_PIN_BYTES = 4 * 1024;

/** Reads little-endian fields of one batch, frame by frame, and never past the end of the frame. */
export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;
  #end = 0;

  constructor(batch: Buffer) {
    this.#bytes = batch;
  }

  /** A cursor over bytes that are not divided into frames. */
  static over(bytes: Buffer): Cursor {
    const cursor = new Cursor(bytes);
    cursor.#end = bytes.length;
    return cursor;
  }

  /** Moves to the next frame; false at the end of the batch. Unread bytes of the last frame are skipped. */
  nextFrame(): boolean {
    const start = this.#end;
    if (start === this.#bytes.length) return false;
    this.#at = start;
    this.#end = this.#bytes.length;
    const length = this.u32();
    if (length === 0 || length > this.#bytes.length - this.#at) throw malformed(`length ${length}`);
    this.#end = this.#at + length;
    return true;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#bytes[at] as number; // #take has checked the bounds
  }

  u16(): number {
    const at = this.#take(2);
    return this.#bytes.readUInt16LE(at);
  }

  u32(): number {
    const at = this.#take(4);
    return this.#bytes.readUInt32LE(at);
  }

  i32(): number {
    return this.u32() | 0;
  }

  string(): string {
    const length = this.u32();
    const at = this.#take(length);
    return length === 0 ? '' : this.#bytes.toString('utf8', at, at + length);
  }

  /** What is left of the frame; safe to keep. */
  rest(): Buffer {
    const view = this.restView();
    const batchBytes = this.#bytes.length;
    const pinsTooMuch = batchBytes > FREE_TO_PIN_BYTES && view.length * COPY_BELOW_SHARE < batchBytes;
    return pinsTooMuch ? Buffer.from(view) : view;
  }

  /** What is left of the frame, as a view into the batch. */
  restView(): Buffer {
    const view = this.#bytes.subarray(this.#at, this.#end);
    this.#at = this.#end;
    return view;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw malformed('a field runs past the end');
    this.#at = at + bytes;
    return at;
  }
}
