/**
 * Repeatable numbers (sfc32 of PractRand). Every step of a run has its own sequence, made of seed and step alone, so
 * that one step can be made again without the steps before it.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, step = 0) {
    this.#a = seed | 0;
    this.#b = step | 0;
    // The high part keeps apart the seeds and steps that are equal in their low 32 bits.
    this.#c = (Math.floor(seed / 2 ** 32) ^ Math.imul(Math.floor(step / 2 ** 32), 0x9e3779b1)) | 0;
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** A whole number from 0 to 2³² − 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of a list that is not empty. */
  pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('pick() needs a list with something in it');
    return item;
  }
}
