/** One retry for so many calls. */
const CALLS_PER_RETRY = 10;
/** However many calls went well before, at most this many retries follow one another. */
const MAX_SAVED_RETRIES = 10;

/**
 * Bounds retries to a tenth of the calls: a server in trouble must not get more to do because of it. Nothing is
 * given in advance, so that the bound holds for any stretch that begins at the start.
 */
export class RetryBudget {
  #credit = 0;

  /** To be called for every call, not for its retry. */
  called(): void {
    this.#credit = Math.min(this.#credit + 1, MAX_SAVED_RETRIES * CALLS_PER_RETRY);
  }

  /** Takes one retry; false when there is none. */
  take(): boolean {
    if (this.#credit < CALLS_PER_RETRY) return false;
    this.#credit -= CALLS_PER_RETRY;
    return true;
  }
}
