const FIRST_BYTES = 1024;

/**
 * Puts together what arrives in pieces. Its memory at least doubles when it grows, so n bytes cost O(n) copying
 * however small the pieces, and it never holds more than twice what has arrived, whatever length was announced.
 */
export class ByteCollector {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#bytes.set(piece, this.#length);
    this.#length = needed;
  }

  /** All that was collected, with this last piece; the collector is empty again. */
  finish(last: Uint8Array): Buffer {
    this.add(last);
    const whole = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return whole;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, FIRST_BYTES));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
