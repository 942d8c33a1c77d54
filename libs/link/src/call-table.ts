/** Twice as many places as calls, at least. */
const MIN_PLACES = 16;

/**
 * Calls in flight by their id, whoever chose it. A hash table with linear probing that allocates only while it grows.
 * A `Map` that holds few calls makes a new table with nearly every one that leaves, the old tables point to the new
 * ones, and once one of them is in the old generation every call outlives its scavenge.
 */
export class CallTable<Call extends { readonly id: number }> {
  #places: (Call | undefined)[] = emptyPlaces(MIN_PLACES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Call | undefined {
    return this.#places[this.#find(id)];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  /** @param call - with an id that no other call in the table has; it keeps it while it is in */
  add(call: Call): void {
    if (2 * this.#size >= this.#places.length) this.#grow();
    this.#places[this.#find(call.id)] = call;
    this.#size += 1;
  }

  /** False when it was not there. */
  remove(call: Call): boolean {
    const places = this.#places;
    const mask = places.length - 1;
    let hole = this.#find(call.id);
    if (places[hole] !== call) return false;
    this.#size -= 1;
    // Whoever found the hole taken, and went on, moves back: a search ends at the first free place.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const next = places[at];
      if (next === undefined) break;
      if (((at - next.id) & mask) < ((at - hole) & mask)) continue;
      places[hole] = next;
      hole = at;
    }
    places[hole] = undefined;
    return true;
  }

  /** The calls of this moment, in no order; they may leave meanwhile. */
  snapshot(): Call[] {
    return this.#places.filter((call) => call !== undefined);
  }

  /** The place of this id, or else the free one where it belongs. */
  #find(id: number): number {
    const places = this.#places;
    const mask = places.length - 1;
    let at = id & mask;
    for (let call = places[at]; call !== undefined && call.id !== id; call = places[at]) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const calls = this.snapshot();
    this.#places = emptyPlaces(2 * this.#places.length);
    for (const call of calls) this.#places[this.#find(call.id)] = call;
  }
}

function emptyPlaces(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}
