import { BridgeError } from '@mcp-bridge/protocol';

/** When a place may be free again; what is in flight takes a while. */
const RETRY_AFTER_MS = 1_000;

export interface PlaceLimits {
  /** Child processes of this router at once, over all servers. */
  readonly max: number;
  /** Of them, those that serve one tenant alone. */
  readonly maxPerTenant: number;
}

/** The right to run one child process. */
export interface Place {
  /** Gives it back, once the process is gone. */
  release(): void;
}

/** A process that could be ended now. */
export interface SpareProcess {
  /** Lower ones go first: 0 waits warm, 1 is idle, 2 is idle and everybody's. */
  readonly rank: number;
  /** Since when, in milliseconds of the same clock for all. */
  readonly idleSince: number;
  /** Resolves when it is gone and its place free. */
  end(): Promise<void>;
}

/** Somebody who may have processes that do nothing. */
export interface PlaceHolder {
  /** What it can best do without, among those of `tenant` where one is given. */
  spare(tenant: string | undefined): SpareProcess | undefined;
}

/**
 * How many child processes a router may run, over all servers and for one tenant. Processes that do nothing make
 * room for others; those that hold the state of a client's session never do.
 */
export class ProcessPlaces {
  #limits: PlaceLimits;
  readonly #byTenant = new Map<string, number>();
  readonly #holders = new Set<PlaceHolder>();
  #taken = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Other limits hold from now on; what runs beyond them is not ended. */
  configure(limits: PlaceLimits): void {
    this.#limits = limits;
  }

  /** From now on it may be asked to end a process. Returns the way to leave. */
  join(holder: PlaceHolder): () => void {
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  /**
   * A place for a process of this tenant, `''` for one of nobody in particular. Waits until an idle process that makes
   * room is gone.
   * @throws {BridgeError} OVERLOADED, with `retryAfterMs`, when nothing can make room; nothing has run
   */
  async reserve(tenant: string): Promise<Place> {
    while (this.#taken >= this.#limits.max) await this.#makeRoom(undefined);
    await this.#makeRoomOf(tenant);
    // While a process of the tenant ended, somebody else may have taken the last place.
    return this.#taken >= this.#limits.max ? this.reserve(tenant) : this.#take(tenant);
  }

  /** A place that nobody has to make room for, if there is one: for a process that waits warm. */
  reserveFree(): Place | undefined {
    return this.#taken < this.#limits.max ? this.#take('') : undefined;
  }

  /**
   * A place of nobody in particular becomes one of this tenant.
   * @throws {BridgeError} OVERLOADED; the place is then what it was
   */
  async handOver(place: Place, tenant: string): Promise<Place> {
    await this.#makeRoomOf(tenant);
    place.release();
    return this.#take(tenant);
  }

  #take(tenant: string): Place {
    this.#taken += 1;
    if (tenant !== '') this.#byTenant.set(tenant, this.#countOf(tenant) + 1);
    let released = false;
    return {
      release: () => {
        if (released) return;
        released = true;
        this.#taken -= 1;
        const left = this.#countOf(tenant) - 1;
        if (left > 0) this.#byTenant.set(tenant, left);
        else this.#byTenant.delete(tenant);
      },
    };
  }

  #countOf(tenant: string): number {
    return this.#byTenant.get(tenant) ?? 0;
  }

  async #makeRoomOf(tenant: string): Promise<void> {
    if (tenant === '') return;
    while (this.#countOf(tenant) >= this.#limits.maxPerTenant) await this.#makeRoom(tenant);
  }

  async #makeRoom(tenant: string | undefined): Promise<void> {
    let best: SpareProcess | undefined;
    for (const holder of this.#holders) {
      const spare = holder.spare(tenant);
      if (spare !== undefined && (best === undefined || isBetter(spare, best))) best = spare;
    }
    if (best === undefined) throw this.#overloaded(tenant);
    await best.end();
  }

  #overloaded(tenant: string | undefined): BridgeError {
    const { max, maxPerTenant } = this.#limits;
    const message =
      tenant === undefined
        ? `The router runs ${max} server processes already (router.maxServers)`
        : `The tenant has ${maxPerTenant} server processes already (router.maxServersPerTenant)`;
    return new BridgeError('OVERLOADED', message, { data: `{"retryAfterMs":${RETRY_AFTER_MS}}` });
  }
}

function isBetter(one: SpareProcess, other: SpareProcess): boolean {
  return one.rank === other.rank ? one.idleSince < other.idleSince : one.rank < other.rank;
}
