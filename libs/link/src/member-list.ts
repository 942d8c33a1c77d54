/** What a `MemberList` can hold; in one list at a time. */
export interface Member {
  /** -1 outside of a list. Only the list touches it. */
  place: number;
}

/**
 * A set without a hash table, for what comes and goes with every call. Under load a `Set` that calls enter and leave
 * makes a new table every few dozen calls, the old tables point to the new ones, and once one of them is in the old
 * generation nearly every call outlives its scavenge: a third of the time went into garbage collection.
 */
export class MemberList<Item extends Member> {
  readonly #members: Item[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(item: Item): void {
    item.place = this.#members.length;
    this.#members.push(item);
  }

  /** False when it was not there. */
  remove(item: Item): boolean {
    if (item.place < 0) return false;
    const last = this.#members.pop();
    if (last !== undefined && last !== item) {
      this.#members[item.place] = last;
      last.place = item.place;
    }
    item.place = -1;
    return true;
  }

  /** The members of this moment, in no order; they may leave meanwhile. */
  snapshot(): Item[] {
    return [...this.#members];
  }
}
