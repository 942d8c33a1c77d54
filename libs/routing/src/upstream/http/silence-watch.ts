import type { ConnectionPool } from './connection-pool.js';

/** How often within the time of silence it is looked. */
const LOOKS = 4;

/** Notices calls that bring nothing for a while. Runs only while there are calls, and costs them no clock. */
export class SilenceWatch {
  readonly #everyMs: number;
  readonly #connections: ConnectionPool;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param silenceMs - how long a call may be silent, at least; up to a quarter longer. 0 for any time */
  constructor(silenceMs: number, connections: ConnectionPool, onSilence: () => void) {
    this.#everyMs = silenceMs / LOOKS;
    this.#connections = connections;
    this.#onSilence = onSilence;
  }

  watch(): void {
    if (this.#timer !== undefined || this.#everyMs === 0) return;
    this.#timer = setInterval(() => this.#look(), this.#everyMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#connections.working === 0) return this.close();
    let silent = false;
    for (const exchange of this.#connections.exchanges()) {
      if (exchange.sent && exchange.lookAgain() > LOOKS) silent = true;
    }
    if (silent) this.#onSilence();
  }
}
