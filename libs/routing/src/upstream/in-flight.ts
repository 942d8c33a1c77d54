/** Twice as many places as requests, at least. */
const MIN_PLACES = 8;

/**
 * The requests in flight on a channel, by id. It gives the ids out itself, and only such whose place is free, so that
 * it needs neither hashing nor a new table while their number stays. A `Map` makes a new one every few dozen requests,
 * the old tables keep what stood in them and point to the new ones, and once one of them is in the old generation
 * nearly every request outlives its scavenge, with its buffers.
 */
export class InFlight<Call extends { readonly id: number }> {
  #places: (Call | undefined)[] = emptyPlaces(MIN_PLACES);
  #size = 0;
  #nextId = 1;

  get size(): number {
    return this.#size;
  }

  /** An id that was not given before, for the request that is added next. Ids rise. */
  nextId(): number {
    if (2 * this.#size >= this.#places.length) this.#grow();
    while (this.#places[this.#placeOf(this.#nextId)] !== undefined) this.#nextId += 1;
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  /** @param call - with the id that was given last */
  add(call: Call): void {
    this.#places[this.#placeOf(call.id)] = call;
    this.#size += 1;
  }

  get(id: number): Call | undefined {
    const call = this.#places[this.#placeOf(id)];
    return call?.id === id ? call : undefined;
  }

  /** False when it is not there any more. */
  remove(call: Call): boolean {
    if (this.get(call.id) !== call) return false;
    this.#places[this.#placeOf(call.id)] = undefined;
    this.#size -= 1;
    return true;
  }

  /** All of this moment, in no order; they may leave meanwhile. */
  snapshot(): Call[] {
    return this.#places.filter((call) => call !== undefined);
  }

  #placeOf(id: number): number {
    return id & (this.#places.length - 1);
  }

  /** Ids whose places differ keep different ones in a larger table. */
  #grow(): void {
    const calls = this.#places;
    this.#places = emptyPlaces(2 * calls.length);
    for (const call of calls) if (call !== undefined) this.#places[this.#placeOf(call.id)] = call;
  }
}

function emptyPlaces(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}
