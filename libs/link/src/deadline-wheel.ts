/**
 * Something that ends at a point in time. Extend it with what is known about the call, so that a deadline costs
 * no timer, closure or extra object; or use `createDeadline` off the hot path.
 */
export abstract class DeadlineEntry {
  /** Monotonic milliseconds; meaningful while the entry is in a wheel. */
  deadlineAt = 0;
  /** Neighbours in the wheel's list; only the wheel touches them. */
  wheelNext: DeadlineEntry | undefined = undefined;
  wheelPrevious: DeadlineEntry | undefined = undefined;

  /** Called once, after the entry has left the wheel. Must not throw. */
  abstract onDeadline(): void;
}

/** A deadline that only runs a function. */
export function createDeadline(onExpired: () => void): DeadlineEntry {
  return new CallbackDeadline(onExpired);
}

export interface DeadlineWheelOptions {
  /** How coarse expiry is. An entry expires at its deadline or up to two ticks later; default 40. */
  readonly tickMs?: number;
  /** Monotonic clock; injected by tests. */
  readonly now?: () => number;
}

/**
 * Whole-call limits for very many calls: a hashed timing wheel (Varghese & Lauck, 1987). Adding and removing are
 * O(1) and allocate nothing; one unref'd interval runs, and only while the wheel is not empty.
 */
export interface DeadlineWheel {
  /** Puts the entry in; one that is already in moves to the new time. */
  add(entry: DeadlineEntry, deadlineAt: number): void;
  /** Takes the entry out; does nothing when it is not in. */
  remove(entry: DeadlineEntry): void;
  readonly size: number;
  /** The clock that deadlines are measured on. */
  now(): number;
}

/** Slots times the default tick is 20 s: usual limits are looked at once or twice before they expire. */
const SLOTS = 512;

export function createDeadlineWheel(options: DeadlineWheelOptions = {}): DeadlineWheel {
  return new HashedWheel(options.tickMs ?? 40, options.now ?? (() => performance.now()));
}

class CallbackDeadline extends DeadlineEntry {
  readonly #onExpired: () => void;
  constructor(onExpired: () => void) {
    super();
    this.#onExpired = onExpired;
  }
  override onDeadline(): void {
    this.#onExpired();
  }
}

/** Head of a circular list. */
class ListHead extends DeadlineEntry {
  constructor() {
    super();
    this.wheelNext = this;
    this.wheelPrevious = this;
  }
  override onDeadline(): void {}
}

class HashedWheel implements DeadlineWheel {
  readonly now: () => number;
  readonly #tickMs: number;
  readonly #slots: readonly ListHead[] = Array.from({ length: SLOTS }, () => new ListHead());
  readonly #due = new ListHead();
  #size = 0;
  #lastTick = 0;
  #interval: NodeJS.Timeout | undefined = undefined;

  constructor(tickMs: number, now: () => number) {
    this.#tickMs = tickMs;
    this.now = now;
  }

  get size(): number {
    return this.#size;
  }

  add(entry: DeadlineEntry, deadlineAt: number): void {
    if (entry.wheelNext !== undefined) this.remove(entry);
    if (this.#interval === undefined) this.#start();
    entry.deadlineAt = deadlineAt;
    // A deadline in the past belongs to the next tick, not to a slot that comes round much later.
    const tick = Math.max(Math.ceil(deadlineAt / this.#tickMs), this.#lastTick + 1);
    const slot = this.#slots[tick % SLOTS];
    if (slot !== undefined) append(slot, entry);
    this.#size++;
  }

  remove(entry: DeadlineEntry): void {
    if (entry.wheelNext === undefined) return;
    unlink(entry);
    // An empty wheel stops at its next tick: stopping here would restart the interval for every lone call.
    this.#size--;
  }

  #start(): void {
    this.#lastTick = Math.floor(this.now() / this.#tickMs);
    this.#interval = setInterval(() => this.#tick(), this.#tickMs);
    this.#interval.unref();
  }

  #tick(): void {
    const now = this.now();
    const tick = Math.floor(now / this.#tickMs);
    // After a stall every slot is visited at most once.
    const first = Math.max(this.#lastTick + 1, tick - SLOTS + 1);
    for (let at = first; at <= tick; at++) this.#collect(at, now);
    this.#lastTick = Math.max(tick, this.#lastTick);
    this.#expire();
    if (this.#size === 0 && this.#interval !== undefined) {
      clearInterval(this.#interval);
      this.#interval = undefined;
    }
  }

  /** Moves what is due to a list of its own, because callbacks may add and remove entries. */
  #collect(tick: number, now: number): void {
    const slot = this.#slots[tick % SLOTS];
    let entry = slot?.wheelNext;
    while (entry !== undefined && entry !== slot) {
      const next: DeadlineEntry | undefined = entry.wheelNext;
      if (entry.deadlineAt <= now) {
        unlink(entry);
        append(this.#due, entry);
      }
      entry = next;
    }
  }

  #expire(): void {
    let entry = this.#due.wheelNext;
    while (entry !== undefined && entry !== this.#due) {
      unlink(entry);
      this.#size--;
      entry.onDeadline();
      entry = this.#due.wheelNext;
    }
  }
}

function append(head: DeadlineEntry, entry: DeadlineEntry): void {
  const last = head.wheelPrevious ?? head;
  entry.wheelPrevious = last;
  entry.wheelNext = head;
  last.wheelNext = entry;
  head.wheelPrevious = entry;
}

function unlink(entry: DeadlineEntry): void {
  if (entry.wheelPrevious !== undefined) entry.wheelPrevious.wheelNext = entry.wheelNext;
  if (entry.wheelNext !== undefined) entry.wheelNext.wheelPrevious = entry.wheelPrevious;
  entry.wheelNext = undefined;
  entry.wheelPrevious = undefined;
}
