import type { Logger } from 'pino';
import { canMeasureGroups, measureGroups } from './group-memory.js';

const SAMPLE_MS = 1_000;
/** Measuring takes at most this share of the router's time, however many processes there are. */
const MAX_SHARE = 0.02;

interface Watched {
  readonly maxBytes: number;
  readonly onOver: (bytes: number) => void;
}

/**
 * Looks at the memory of process groups about once a second, all in one pass, and reports those that have more than
 * they may. A group can have more for that long: this stops leaks, not bursts (a cgroup does).
 */
export class MemoryWatch {
  readonly #groups = new Map<number, Watched>();
  readonly #log: Logger;
  #running = false;
  #warned = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * @param leader - of the process group
   * @param onOver - called at each look at which it has more than `maxBytes`, with what it has
   * @returns ends the watch
   */
  add(leader: number, maxBytes: number, onOver: (bytes: number) => void): () => void {
    if (!canMeasureGroups()) {
      if (!this.#warned) this.#log.warn('memoryLimit of servers has no effect: this system has no /proc');
      this.#warned = true;
      return () => undefined;
    }
    this.#groups.set(leader, { maxBytes, onOver });
    if (!this.#running) this.#schedule(SAMPLE_MS);
    return () => void this.#groups.delete(leader);
  }

  #schedule(delayMs: number): void {
    this.#running = true;
    setTimeout(() => void this.#look(), delayMs).unref();
  }

  async #look(): Promise<void> {
    if (this.#groups.size === 0) {
      this.#running = false;
      return;
    }
    const before = process.cpuUsage();
    try {
      const measured = await measureGroups(new Set(this.#groups.keys()));
      for (const [leader, bytes] of measured) {
        // It may have ended while the others were looked at.
        const group = this.#groups.get(leader);
        if (group !== undefined && bytes > group.maxBytes) group.onOver(bytes);
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'the memory of the servers could not be measured');
    }
    // What else ran meanwhile is counted too, so the share is smaller yet.
    const { user, system } = process.cpuUsage(before);
    this.#schedule(Math.max(SAMPLE_MS, (user + system) / 1_000 / MAX_SHARE));
  }
}
