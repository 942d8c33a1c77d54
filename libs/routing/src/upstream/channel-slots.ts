import { BridgeError } from '@mcp-bridge/protocol';
import type { UpstreamChannel } from './channel.js';
import { SHARED_KEY } from './placement.js';
import type { Placement } from './placement.js';
import { RestartPolicy } from './restart-policy.js';
import type { PlaceHolder, SpareProcess } from './stdio/process-places.js';

/** One channel, or the attempt to open it. */
export interface Slot {
  readonly placement: Placement;
  readonly opening: Promise<UpstreamChannel>;
  channel: UpstreamChannel | undefined;
  leases: number;
  lastUsedAt: number;
  /** Everybody's channel: kept for as long as it works. */
  readonly pinned: boolean;
}

/** A slot whose channel can be used at once. */
export interface OpenSlot extends Slot {
  channel: UpstreamChannel;
}

const NONE: readonly Slot[] = [];

export interface ChannelSlotsOptions {
  readonly server: string;
  readonly maxChannels: number;
  /** Channels per key of pooled placements. */
  readonly poolSize: number;
  readonly idleTtlMs: number;
  readonly now: () => number;
  /** Opens the channel of a new slot; `onLost` must be called when it is gone. */
  readonly open: (placement: Placement, onLost: () => void) => Promise<UpstreamChannel>;
}

/**
 * The channels of one server, by placement. Concurrent callers share one start; idle channels go; a channel whose
 * process keeps crashing rests alone, others are not affected.
 */
export class ChannelSlots implements PlaceHolder {
  readonly #options: ChannelSlotsOptions;
  readonly #byKey = new Map<string, Slot[]>();
  readonly #bySession = new Map<string, Set<Slot>>();
  /** Key → its crashes after a good start, and starts refused to it. */
  readonly #crashes = new Map<string, RestartPolicy>();
  #size = 0;

  constructor(options: ChannelSlotsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** Milliseconds for which this placement's channel will not be started again. */
  waitMs(key: string): number {
    return this.#crashes.get(key)?.waitMs ?? 0;
  }

  /** Counts a failure that concerns this placement's callers alone. */
  failed(key: string): void {
    const policy = this.#crashes.get(key) ?? new RestartPolicy(this.#options.now);
    this.#crashes.set(key, policy);
    policy.failed();
  }

  /**
   * The slot to use for a placement, with one lease taken; opened when there is none that fits.
   * @param first - take the first of the pool rather than the least busy one
   * @throws {BridgeError} OVERLOADED when it would have to be opened and there are too many already
   */
  take(placement: Placement, first = false): Slot {
    return this.#lease(this.#find(placement, first) ?? this.#add(placement));
  }

  /** As `take` where the channel is there already; `undefined` where it would have to be waited for. */
  takeOpen(placement: Placement): OpenSlot | undefined {
    const slot = this.#find(placement, false);
    return slot !== undefined && isOpen(slot) ? this.#lease(slot) : undefined;
  }

  release(slot: Slot): void {
    slot.leases -= 1;
    slot.lastUsedAt = this.#options.now();
  }

  /** The live channel of a legacy session; starts nothing. */
  ofSession(session: string): UpstreamChannel | undefined {
    for (const slot of this.#bySession.get(session) ?? []) {
      if (slot.channel?.closed === false) return slot.channel;
    }
    return undefined;
  }

  async endSession(session: string): Promise<void> {
    await Promise.all([...(this.#bySession.get(session) ?? [])].map((slot) => this.#end(slot)));
  }

  /** Closes what nobody has used for the idle TTL. */
  reap(): void {
    const limit = this.#options.now() - this.#options.idleTtlMs;
    for (const slot of this.#all()) {
      if (!slot.pinned && isIdle(slot) && slot.lastUsedAt <= limit) void this.#end(slot);
      else if (!isIdle(slot)) slot.lastUsedAt = this.#options.now();
    }
    for (const [key, policy] of this.#crashes) if (policy.isQuiet) this.#crashes.delete(key);
  }

  /** Closes what nobody uses at the moment. */
  closeIdle(): void {
    for (const slot of this.#all()) if (isIdle(slot)) void this.#end(slot);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all().map((slot) => this.#end(slot)));
  }

  #all(): Slot[] {
    return [...this.#byKey.values()].flat();
  }

  #lease<Taken extends Slot>(slot: Taken): Taken {
    slot.leases += 1;
    slot.lastUsedAt = this.#options.now();
    return slot;
  }

  #find(placement: Placement, first: boolean): Slot | undefined {
    let best: Slot | undefined;
    let live = 0;
    for (const slot of this.#byKey.get(placement.key) ?? NONE) {
      if (slot.channel?.closed === true) continue;
      live += 1;
      if (first) return slot;
      if (placement.exclusive) {
        if (slot.leases === 0 && (slot.channel?.inFlight ?? 0) === 0) return slot;
      } else if (best === undefined || load(slot) < load(best)) best = slot;
    }
    // A further process only when all are busy.
    const mayGrow = placement.pooled && live < this.#options.poolSize && this.#hasRoom();
    return best !== undefined && load(best) > 0 && mayGrow ? undefined : best;
  }

  #hasRoom(): boolean {
    return this.#size < this.#options.maxChannels;
  }

  #add(placement: Placement): Slot {
    if (!this.#hasRoom()) this.#makeRoom();
    if (!this.#hasRoom()) {
      const { server, maxChannels } = this.#options;
      throw new BridgeError(
        'OVERLOADED',
        `Server "${server}" runs ${maxChannels} processes already (servers.${server}.maxProcesses)`,
        { data: '{"retryAfterMs":1000}' },
      );
    }
    const slots = this.#byKey.get(placement.key) ?? [];
    const opening = this.#options.open(placement, () => {
      this.#remove(slot);
      this.failed(placement.key);
    });
    const slot: Slot = {
      placement,
      opening,
      channel: undefined,
      leases: 0,
      lastUsedAt: this.#options.now(),
      pinned: placement.key === SHARED_KEY && slots.length === 0,
    };
    this.#byKey.set(placement.key, [...slots, slot]);
    this.#size += 1;
    if (placement.session !== '') {
      const ofSession = this.#bySession.get(placement.session) ?? new Set();
      this.#bySession.set(placement.session, ofSession.add(slot));
    }
    opening.then(
      (channel) => (slot.channel = channel),
      () => this.#remove(slot),
    );
    return slot;
  }

  #makeRoom(): void {
    const spare = this.spare();
    if (spare !== undefined && spare.rank < 2) void spare.end();
  }

  /** The channel that has been idle longest and holds nobody's state; everybody's only when there is no other. */
  spare(tenant?: string): SpareProcess | undefined {
    let oldest: Slot | undefined;
    for (const slot of this.#all()) {
      if (slot.placement.session !== '' || !isIdle(slot)) continue;
      if (tenant !== undefined && slot.placement.tenant !== tenant) continue;
      if (oldest === undefined || isRatherSpared(slot, oldest)) oldest = slot;
    }
    if (oldest === undefined) return undefined;
    const slot = oldest;
    return { rank: slot.pinned ? 2 : 1, idleSince: slot.lastUsedAt, end: () => this.#end(slot) };
  }

  async #end(slot: Slot): Promise<void> {
    this.#remove(slot);
    try {
      await (await slot.opening).close();
    } catch {
      // It never opened; whoever waited for it has been told.
    }
  }

  #remove(slot: Slot): void {
    const { key, session } = slot.placement;
    const slots = this.#byKey.get(key);
    const index = slots?.indexOf(slot) ?? -1;
    if (slots === undefined || index < 0) return;
    slots.splice(index, 1);
    if (slots.length === 0) this.#byKey.delete(key);
    this.#size -= 1;
    const ofSession = this.#bySession.get(session);
    ofSession?.delete(slot);
    if (ofSession?.size === 0) this.#bySession.delete(session);
  }
}

function isOpen(slot: Slot): slot is OpenSlot {
  return slot.channel !== undefined;
}

function isIdle(slot: Slot): boolean {
  return slot.channel !== undefined && slot.leases === 0 && slot.channel.inFlight === 0;
}

function isRatherSpared(slot: Slot, other: Slot): boolean {
  if (slot.pinned !== other.pinned) return other.pinned;
  return slot.lastUsedAt < other.lastUsedAt;
}

function load(slot: Slot): number {
  return Math.max(slot.leases, slot.channel?.inFlight ?? 0);
}
