export type BreakerState = 'closed' | 'open' | 'half-open';

export interface CircuitBreakerOptions {
  /** So many failures in a row open it. */
  readonly failures: number;
  /** How long it stays open the first time; each time again twice as long. */
  readonly openMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** It opened, or closed again. */
  readonly onChange?: (state: 'open' | 'closed') => void;
}

const MAX_OPEN_MS = 30_000;
/** Closed for so long without trouble, it begins at `openMs` again. */
const FORGIVEN_AFTER_MS = 30_000;
/** Of at least `MIN_OUTCOMES` outcomes in the last 5 to 10 s, this share of failures opens it, too. */
const FAILURE_SHARE = 0.5;
const MIN_OUTCOMES = 20;
const HALF_WINDOW_MS = 5_000;

/**
 * Whether a URL is to be called. Knows nothing of time or HTTP but what it is told.
 *
 * ```
 *            failures in a row, or half of what came back; probes failed
 *   closed ───────────────────────────────────────────────────────▶ open ◀──────────┐
 *      ▲                                                             │ time is over │ trial or probe failed:
 *      │                trial or probe succeeded                     ▼              │ twice as long, ≤ 30 s
 *      └──────────────────────────────────────────────────────── half-open ─────────┘
 *                                                        one trial at a time, the others are refused
 * ```
 *
 * What probes opened, one that succeeds closes at any time; what calls opened rests its time out, as a server may
 * well answer probes and fail at its work. Outcomes of calls that were sent before it opened change nothing.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #open = false;
  #openUntil = 0;
  #openMs = 0;
  #closedAt = -Infinity;
  #byProbes = false;
  #trial = false;
  #inRow = 0;
  #windowFrom = -Infinity;
  #current = { all: 0, failed: 0 };
  #previous = { all: 0, failed: 0 };
  #openings = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    if (!this.#open) return 'closed';
    return this.#options.now() < this.#openUntil ? 'open' : 'half-open';
  }

  /** How often it has opened. */
  get openings(): number {
    return this.#openings;
  }

  /** Whether a call may be sent now: while closed, and as the one trial of a half-open one. */
  get admits(): boolean {
    return !this.#open || (!this.#trial && this.state === 'half-open');
  }

  /** Milliseconds until another attempt is worth while; 0 when one may be made now. */
  get waitMs(): number {
    if (this.admits) return 0;
    return Math.max(this.#openUntil - this.#options.now(), this.#trial ? this.#options.openMs : 0);
  }

  /** To be called with every call that is sent; true when it is the trial. */
  enter(): boolean {
    if (!this.#open || !this.admits) return false;
    this.#trial = true;
    return true;
  }

  succeeded(trial: boolean): void {
    if (trial) this.#close();
    if (this.#open) return;
    this.#inRow = 0;
    this.#count(0);
  }

  failed(trial: boolean): void {
    if (trial && this.#trial) return this.#reopen();
    if (this.#open) return;
    this.#inRow += 1;
    this.#count(1);
    if (this.#inRow >= this.#options.failures || this.#mostlyFails()) this.#trip(false);
  }

  /** The trial ended and proved nothing. */
  abandoned(): void {
    this.#trial = false;
  }

  /** Probes failed often enough to believe them. */
  probesFailed(): void {
    if (!this.#open) this.#trip(true);
    else if (this.state === 'half-open') this.#reopen();
  }

  probeSucceeded(): void {
    if (this.#open && (this.#byProbes || this.state === 'half-open')) this.#close();
  }

  #trip(byProbes: boolean): void {
    const now = this.#options.now();
    this.#openMs =
      now - this.#closedAt < FORGIVEN_AFTER_MS
        ? Math.min(MAX_OPEN_MS, this.#openMs * 2)
        : this.#options.openMs;
    this.#open = true;
    this.#openUntil = now + this.#openMs;
    this.#byProbes = byProbes;
    this.#openings += 1;
    this.#options.onChange?.('open');
  }

  #reopen(): void {
    this.#trial = false;
    this.#closedAt = this.#options.now();
    this.#trip(this.#byProbes);
  }

  #close(): void {
    this.#open = false;
    this.#trial = false;
    this.#closedAt = this.#options.now();
    this.#inRow = 0;
    this.#windowFrom = -Infinity;
    this.#options.onChange?.('closed');
  }

  #count(failed: 0 | 1): void {
    const now = this.#options.now();
    if (now - this.#windowFrom >= HALF_WINDOW_MS) {
      const isOld = now - this.#windowFrom >= 2 * HALF_WINDOW_MS;
      this.#previous = isOld ? { all: 0, failed: 0 } : this.#current;
      this.#current = { all: 0, failed: 0 };
      this.#windowFrom = now;
    }
    this.#current.all += 1;
    this.#current.failed += failed;
  }

  #mostlyFails(): boolean {
    const all = this.#current.all + this.#previous.all;
    const failed = this.#current.failed + this.#previous.failed;
    return all >= MIN_OUTCOMES && failed >= all * FAILURE_SHARE;
  }
}
