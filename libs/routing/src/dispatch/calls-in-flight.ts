import type { ActiveCall } from './active-call.js';

/**
 * The calls that a router works on: a set without a hash table. Under load a `Set` that calls enter and leave makes a
 * new table every few dozen calls, the old tables point to the new ones, and once one of them is in the old generation
 * nearly every call outlives its scavenge: a third of the time went into garbage collection.
 */
export class CallsInFlight {
  readonly #calls: ActiveCall[] = [];

  get size(): number {
    return this.#calls.length;
  }

  /** Takes the call in until it ends. */
  add(call: ActiveCall): void {
    call.place = this.#calls.length;
    this.#calls.push(call);
    call.onEnd(() => this.#remove(call));
  }

  /** The calls of this moment; they may end meanwhile. */
  snapshot(): ActiveCall[] {
    return [...this.#calls];
  }

  /** The last one takes its place. */
  #remove(call: ActiveCall): void {
    const last = this.#calls.pop();
    if (last === undefined || last === call) return;
    this.#calls[call.place] = last;
    last.place = call.place;
  }
}
