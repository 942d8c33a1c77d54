/** When items wait for each other. */
export interface BatchPolicyOptions {
  /** Most items of one batch; a group that has so many waiting goes at once. At least 1. */
  readonly maxSize: number;
  /** Longest wait for a batch in flight, in the unit of the times that are passed in. */
  readonly maxWaitMs: number;
}

/** Items that go together. Tell the policy by `done` when they are through. */
export interface Batch<Item> {
  readonly group: string;
  readonly items: readonly Item[];
}

/**
 * Decides which items go together and when: at once while nothing of their group is in flight, else when that
 * is through, when `maxSize` have gathered, or when the first has waited `maxWaitMs`, whichever comes first.
 * So a lone item is never delayed, and load alone makes batches. Items of different groups never mix.
 *
 * Pure: keeps no clock and no timer. Whoever drives it passes the time in, and calls `due` at `nextDueAt`.
 */
export interface BatchPolicy<Item> {
  /** Takes an item in; returns the batch that goes because of it. */
  add(group: string, item: Item, now: number): Batch<Item> | undefined;
  /** A batch is through, whatever became of it; returns the one that goes next. */
  done(group: string): Batch<Item> | undefined;
  /** Batches whose first item has waited long enough. */
  due(now: number): Batch<Item>[];
  /** When `due` will have something; undefined while nothing waits. */
  nextDueAt(): number | undefined;
  /** Takes a waiting item back; false when it is in a batch already. */
  remove(group: string, item: Item): boolean;
  /** Items that wait. */
  readonly waiting: number;
}

interface Group<Item> {
  readonly waiting: { readonly item: Item; readonly dueAt: number }[];
  inFlight: number;
}

/** @throws {RangeError} when `maxSize` is no positive integer or `maxWaitMs` negative */
export function createBatchPolicy<Item>({ maxSize, maxWaitMs }: BatchPolicyOptions): BatchPolicy<Item> {
  if (!Number.isInteger(maxSize) || maxSize < 1) throw new RangeError('maxSize must be a positive integer');
  if (!(maxWaitMs >= 0)) throw new RangeError('maxWaitMs must not be negative');
  const groups = new Map<string, Group<Item>>();
  let waiting = 0;

  const release = (name: string, group: Group<Item>): Batch<Item> => {
    const items = group.waiting.splice(0, maxSize).map(({ item }) => item);
    waiting -= items.length;
    group.inFlight += 1;
    return { group: name, items };
  };

  return {
    add(name, item, now) {
      let group = groups.get(name);
      if (group === undefined) {
        group = { waiting: [], inFlight: 0 };
        groups.set(name, group);
      }
      group.waiting.push({ item, dueAt: now + maxWaitMs });
      waiting += 1;
      return group.inFlight === 0 || group.waiting.length >= maxSize ? release(name, group) : undefined;
    },
    done(name) {
      const group = groups.get(name);
      if (group === undefined) return undefined;
      group.inFlight -= 1;
      if (group.inFlight > 0) return undefined;
      if (group.waiting.length > 0) return release(name, group);
      groups.delete(name);
      return undefined;
    },
    due(now) {
      const batches: Batch<Item>[] = [];
      for (const [name, group] of groups) {
        const first = group.waiting[0];
        if (first !== undefined && first.dueAt <= now) batches.push(release(name, group));
      }
      return batches;
    },
    nextDueAt() {
      let next: number | undefined;
      for (const {
        waiting: [first],
      } of groups.values()) {
        if (first !== undefined && (next === undefined || first.dueAt < next)) next = first.dueAt;
      }
      return next;
    },
    remove(name, item) {
      const group = groups.get(name);
      const index = group?.waiting.findIndex((entry) => entry.item === item) ?? -1;
      if (group === undefined || index < 0) return false;
      group.waiting.splice(index, 1);
      waiting -= 1;
      return true;
    },
    get waiting() {
      return waiting;
    },
  };
}
