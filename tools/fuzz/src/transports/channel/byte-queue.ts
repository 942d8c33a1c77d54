/** Bytes that have come and were not read yet. */
export class ByteQueue {
  #bytes: Buffer = Buffer.alloc(0);

  get length(): number {
    return this.#bytes.length;
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** The first bytes, which stay. */
  peek(length: number): Buffer {
    return this.#bytes.subarray(0, length);
  }

  take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  indexOf(value: number | string): number {
    return this.#bytes.indexOf(value);
  }
}
