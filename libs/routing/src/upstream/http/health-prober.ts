/** After a probe that succeeded, doubts are not heeded for so long. */
const TRUST_MS = 1_000;
/** Between two probes of a doubted URL. */
const PAUSE_MS = 100;

export interface HealthProberOptions {
  /** Asks the URL for a sign of life; false when none came in time. Never rejects. */
  readonly probe: () => Promise<boolean>;
  /** How often to probe without cause; 0 for never. */
  readonly intervalMs: number;
  /** So many in a row have to fail. */
  readonly failures: number;
  readonly onDown: () => void;
  readonly onUp: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Probes one URL: at an interval where one is configured, and as soon as somebody doubts that it lives. One probe
 * at a time; a doubt is settled by so many of them as it takes.
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
    if (this.#inRow >= this.#options.failures) this.#options.onDown();
    else if (doubted) {
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => void this.#run(true), PAUSE_MS);
      this.#pause.unref();
    }
  }
}
