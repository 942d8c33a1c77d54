/** Lets `ratePerSecond` units pass per second, and at most that many at once. */
export class TokenBucket {
  readonly #ratePerSecond: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  constructor(ratePerSecond: number, now: () => number) {
    this.#ratePerSecond = ratePerSecond;
    this.#now = now;
    this.#tokens = ratePerSecond;
    this.#filledAt = now();
  }

  take(units: number): boolean {
    const now = this.#now();
    const gained = ((now - this.#filledAt) / 1000) * this.#ratePerSecond;
    this.#tokens = Math.min(this.#ratePerSecond, this.#tokens + gained);
    this.#filledAt = now;
    if (this.#tokens < units) return false;
    this.#tokens -= units;
    return true;
  }
}
