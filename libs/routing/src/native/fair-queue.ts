/** What waits, and for whom. */
export interface Waiting {
  readonly tenant: string;
  readonly tool: string;
}

/**
 * A bounded queue that serves tenants in turn, and within a tenant its tools in turn: one tenant's thousand calls
 * delay another's one call by one place. When it is full, whoever has the most waiting gives way to whoever has less.
 */
export class FairQueue<Item extends Waiting> {
  readonly #capacity: number;
  /** In the order of their turns; Maps keep insertion order, and who was served goes to the end. */
  readonly #tenants = new Map<string, { readonly tools: Map<string, Item[]>; size: number }>();
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes the item in; returns the one that has no room: this one, or the newest of the tenant with the most. */
  push(item: Item): Item | undefined {
    let refused: Item | undefined;
    if (this.#size >= this.#capacity) {
      refused = this.#giveWay(item.tenant);
      if (refused === undefined) return item;
    }
    let lane = this.#tenants.get(item.tenant);
    if (lane === undefined) {
      lane = { tools: new Map(), size: 0 };
      this.#tenants.set(item.tenant, lane);
    }
    const items = lane.tools.get(item.tool);
    if (items === undefined) lane.tools.set(item.tool, [item]);
    else items.push(item);
    lane.size += 1;
    this.#size += 1;
    return refused;
  }

  /** The next item whose tool may run; tenants and tools that were served go to the end of the line. */
  shift(mayRun: (tool: string) => boolean): Item | undefined {
    for (const [tenant, lane] of this.#tenants) {
      for (const [tool, items] of lane.tools) {
        if (!mayRun(tool)) continue;
        const item = items.shift();
        if (item === undefined) continue;
        lane.tools.delete(tool);
        if (items.length > 0) lane.tools.set(tool, items);
        this.#tenants.delete(tenant);
        lane.size -= 1;
        this.#size -= 1;
        if (lane.size > 0) this.#tenants.set(tenant, lane);
        return item;
      }
    }
    return undefined;
  }

  /** False when the item does not wait here (any more). */
  remove(item: Item): boolean {
    const lane = this.#tenants.get(item.tenant);
    const items = lane?.tools.get(item.tool);
    const index = items?.indexOf(item) ?? -1;
    if (lane === undefined || items === undefined || index < 0) return false;
    items.splice(index, 1);
    if (items.length === 0) lane.tools.delete(item.tool);
    lane.size -= 1;
    this.#size -= 1;
    if (lane.size === 0) this.#tenants.delete(item.tenant);
    return true;
  }

  /** Empties the queue. */
  drain(): Item[] {
    const items = [...this.#tenants.values()].flatMap((lane) => [...lane.tools.values()].flat());
    this.#tenants.clear();
    this.#size = 0;
    return items;
  }

  #giveWay(tenant: string): Item | undefined {
    let most: { readonly tools: Map<string, Item[]>; size: number } | undefined;
    for (const lane of this.#tenants.values()) if (most === undefined || lane.size > most.size) most = lane;
    const own = this.#tenants.get(tenant)?.size ?? 0;
    if (most === undefined || most.size <= own + 1) return undefined;
    const longest = [...most.tools.values()].reduce((a, b) => (b.length > a.length ? b : a));
    const newest = longest.at(-1);
    if (newest !== undefined) this.remove(newest);
    return newest;
  }
}
