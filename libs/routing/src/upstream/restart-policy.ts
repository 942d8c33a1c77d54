const MAX_FAILURES = 5;
const WINDOW_MS = 30_000;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

/**
 * When to stop trying for a while: after 5 failures within 30 s, for 1 s at first, then twice as long for every
 * further failure, up to 30 s. 30 s without failure forget everything.
 */
export class RestartPolicy {
  readonly #now: () => number;
  #failures: number[] = [];
  #backoffMs = 0;
  #blockedUntil = -Infinity;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds until the next attempt may be made, 0 for now. */
  get waitMs(): number {
    return Math.max(0, this.#blockedUntil - this.#now());
  }

  /** True when forgetting this object changes nothing. */
  get isQuiet(): boolean {
    const last = this.#failures.at(-1);
    return last === undefined || last < this.#now() - WINDOW_MS - this.#backoffMs;
  }

  failed(): void {
    const now = this.#now();
    if (this.isQuiet) this.#backoffMs = 0;
    this.#failures = this.#failures.filter((at) => at > now - WINDOW_MS - this.#backoffMs);
    this.#failures.push(now);
    if (this.#failures.length < MAX_FAILURES) return;
    this.#backoffMs = Math.min(
      MAX_BACKOFF_MS,
      this.#backoffMs === 0 ? FIRST_BACKOFF_MS : this.#backoffMs * 2,
    );
    this.#blockedUntil = now + this.#backoffMs;
  }
}
