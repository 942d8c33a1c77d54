import type { Writable } from 'node:stream';
import type { Random } from '../../random.js';

/** Writes packets in order; the pieces of one with a turn of the event loop between them. */
export class PieceWriter {
  readonly #out: Writable;
  readonly #waiting: Buffer[] = [];
  #scheduled = false;

  constructor(out: Writable) {
    this.#out = out;
  }

  write(pieces: readonly Buffer[]): void {
    const [only] = pieces;
    if (this.#waiting.length === 0 && pieces.length === 1 && only !== undefined) this.#put(only);
    else {
      this.#waiting.push(...pieces);
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const piece = this.#waiting.shift();
      if (piece !== undefined) this.#put(piece);
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #put(piece: Buffer): void {
    if (this.#out.writable) this.#out.write(piece);
  }
}

/** The same bytes in several pieces. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const cuts = Array.from({ length: random.between(1, 5) }, () => random.below(bytes.length + 1)).sort(
    (a, b) => a - b,
  );
  return [0, ...cuts]
    .map((start, index) => bytes.subarray(start, cuts[index]))
    .filter(({ length }) => length > 0);
}
