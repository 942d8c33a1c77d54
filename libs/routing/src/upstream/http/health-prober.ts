/** After a probe that succeeded, doubts are not heeded for so long. */
const TRUST_MS = 1_000;
/** Between two probes of a doubted URL. */
const DOUBT_PAUSE_MS = 100;

export interface HealthProberOptions {
  /** Asks the URL for a sign of life; false when none came in time. Never rejects. */
  readonly probe: () => Promise<boolean>;
  /** How often to probe without cause; 0 for never. */
  readonly intervalMs: number;
  /** How long to wait before a URL that is down is asked again, where there is no interval. */
  readonly downPauseMs: number;
  /** So many in a row have to fail. */
  readonly failures: number;
  readonly onDown: () => void;
  readonly onUp: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Probes one URL: at an interval where one is configured, as soon as somebody doubts that it lives, and then until
 * it does again. One probe at a time.
 */
export class HealthProber {
  readonly #options: HealthProberOptions;
  readonly #interval: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;
  #probing = false;
  #inRow = 0;
  #trustedUntil = -Infinity;
  #closed = false;

  constructor(options: HealthProberOptions) {
    this.#options = options;
    if (options.intervalMs === 0) return;
    this.#interval = setInterval(() => void this.#run(false), options.intervalMs);
    this.#interval.unref();
  }

  /** Something that should have come did not. */
  doubt(): void {
    if (this.#options.now() >= this.#trustedUntil) void this.#run(true);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#interval);
    clearTimeout(this.#pause);
  }

  async #run(doubted: boolean): Promise<void> {
    if (this.#probing || this.#closed) return;
    this.#probing = true;
    const alive = await this.#options.probe();
    this.#probing = false;
    if (this.#closed) return;
    if (alive) {
      this.#inRow = 0;
      this.#trustedUntil = this.#options.now() + TRUST_MS;
      this.#options.onUp();
      return;
    }
    this.#inRow += 1;
    const isDown = this.#inRow >= this.#options.failures;
    if (isDown) this.#options.onDown();
    // At an interval, what is down is asked again anyway.
    if (isDown && this.#options.intervalMs === 0) this.#later(this.#options.downPauseMs);
    else if (!isDown && doubted) this.#later(DOUBT_PAUSE_MS);
  }

  #later(pauseMs: number): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => void this.#run(true), pauseMs);
    this.#pause.unref();
  }
}
