/**
 * Puts the parts of a response body together. Where the length is known each part is copied as it comes, so that the
 * memory it was read into is free again before the next ones come. A body in one part is not copied.
 */
export class BodyCollector {
  readonly #bytes: number;
  #parts: Buffer[] = [];
  #whole: Buffer | undefined = undefined;
  #filled = 0;

  /** @param bytes - how long the body will be, at most what may be spent on it; 0 where that is not known */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** @param part - kept, not copied, where it is the whole body, or the length is not known */
  add(part: Buffer): void {
    if (this.#whole === undefined && this.#parts.length === 0 && part.length < this.#bytes) {
      this.#whole = Buffer.allocUnsafeSlow(this.#bytes);
    }
    // What is too much is cut off: whoever reads the response ends it there too.
    if (this.#whole === undefined) this.#parts.push(part);
    else this.#filled += part.copy(this.#whole, this.#filled);
  }

  /** What has come so far. */
  take(): Buffer {
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.#filled);
    const [first, ...others] = this.#parts;
    return first !== undefined && others.length === 0 ? first : Buffer.concat(this.#parts);
  }
}
