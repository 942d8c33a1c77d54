import { setTimeout } from 'node:timers/promises';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import type { ChannelLease, ChannelScope, Era, UpstreamChannel, UpstreamServer } from './channel.js';
import { ChannelSlots } from './channel-slots.js';
import type { OpenSlot, Slot } from './channel-slots.js';
import type { Connector, Refusal } from './connector.js';
import { placementFor, refusalKeyOf, SHARED_KEY, sharedPlacement } from './placement.js';
import type { Isolation, Placement } from './placement.js';
import { RestartPolicy } from './restart-policy.js';
import type { ProcessPlaces } from './stdio/process-places.js';

const MIN_SWEEP_MS = 20;
const MAX_SWEEP_MS = 30_000;
const DRAIN_LOOK_MS = 25;

export interface ManagedServerOptions {
  readonly name: string;
  readonly connector: Connector;
  readonly isolation: Isolation;
  readonly poolSize: number;
  readonly maxChannels: number;
  readonly idleTtlMs: number;
  /** Where its idle processes make room for others; a server without processes has none. */
  readonly places?: ProcessPlaces;
  readonly log: Logger;
  readonly now: () => number;
}

/** How often a channel that died while it was handed over is replaced before the caller hears of it. */
const MAX_ATTEMPTS = 2;

/** Implements the pooling, health and era knowledge of one server; the connector does the transport. */
export class ManagedServer implements UpstreamServer {
  readonly name: string;
  readonly #options: ManagedServerOptions;
  readonly #slots: ChannelSlots;
  readonly #starts: RestartPolicy;
  readonly #sweep: NodeJS.Timeout;
  readonly #leavePlaces: (() => void) | undefined;
  /** What the probe found; forgotten when a start fails, as the server may have been replaced. */
  #era: Era | undefined;
  /** Whether a modern server also speaks legacy; found out when the first legacy client comes. */
  #alsoLegacy: boolean | undefined;
  #opening = 0;
  /** Callers who do not have their channel yet. */
  #acquiring = 0;
  #lastError: BridgeError | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(options: ManagedServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#starts = new RestartPolicy(options.now);
    this.#slots = new ChannelSlots({
      server: options.name,
      maxChannels: options.maxChannels,
      poolSize: options.poolSize,
      idleTtlMs: options.idleTtlMs,
      now: options.now,
      open: (placement, onLost) => this.#open(placement, onLost),
    });
    this.#leavePlaces = options.places?.join(this.#slots);
    const sweepMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, options.idleTtlMs / 4));
    this.#sweep = setInterval(() => this.#slots.reap(), sweepMs);
    this.#sweep.unref();
  }

  get state(): UpstreamServer['state'] {
    if (this.#closed) return 'closed';
    if (this.#starts.waitMs > 0 || this.#slots.waitMs(SHARED_KEY) > 0) return 'backoff';
    if (this.#options.connector.refusal?.() !== undefined) return 'backoff';
    if (this.#opening > 0) return 'starting';
    if (this.#lastError !== undefined) return 'failed';
    return this.#slots.size > 0 ? 'ready' : 'idle';
  }

  get lastError(): BridgeError | undefined {
    return this.#lastError;
  }

  get urls(): UpstreamServer['urls'] {
    return this.#options.connector.urls;
  }

  async catalogChannel(): Promise<UpstreamChannel> {
    this.#acquiring += 1;
    try {
      const slot = await this.#takeOpen(sharedPlacement(this.#era ?? 'modern'), true);
      this.#slots.release(slot);
      return await slot.opening;
    } finally {
      this.#acquiring -= 1;
    }
  }

  acquire(scope: ChannelScope): ChannelLease | Promise<ChannelLease> {
    const slot = this.#takeNow(scope);
    return slot === undefined ? this.#acquireLater(scope) : new SlotLease(this.#slots, slot, slot.channel);
  }

  async #acquireLater(scope: ChannelScope): Promise<ChannelLease> {
    this.#acquiring += 1;
    const slot = await this.#takeFor(scope).finally(() => (this.#acquiring -= 1));
    return new SlotLease(this.#slots, slot, await slot.opening);
  }

  existing(session: string): UpstreamChannel | undefined {
    return this.#slots.ofSession(session);
  }

  async endSession(session: string): Promise<void> {
    await this.#slots.endSession(session);
  }

  async drain(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (!this.#closed && performance.now() < endsAt) {
      // Each process goes as soon as nobody needs it.
      if (this.#acquiring === 0) this.#slots.closeIdle();
      if (this.#acquiring === 0 && this.#slots.size === 0) break;
      await setTimeout(DRAIN_LOOK_MS);
    }
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    clearInterval(this.#sweep);
    this.#closed = true;
    this.#leavePlaces?.();
    await this.#slots.close();
    await this.#options.connector.close();
  }

  /** Where it is known what the server speaks, and the channel is open. */
  #takeNow(scope: ChannelScope): OpenSlot | undefined {
    const ownEra = this.#era;
    if (ownEra === undefined) return undefined;
    const mayBeLegacy = scope.preferredEra === 'legacy' && this.#alsoLegacy !== false;
    const era = mayBeLegacy ? 'legacy' : ownEra;
    return this.#slots.takeOpen(placementFor(scope, this.#options.isolation, era, ownEra));
  }

  async #takeFor(scope: ChannelScope): Promise<Slot> {
    const { isolation } = this.#options;
    const ownEra = this.#era ?? (await this.catalogChannel()).info.era;
    this.#era ??= ownEra;
    if (scope.preferredEra === 'legacy' && ownEra === 'modern' && this.#alsoLegacy !== false) {
      try {
        return await this.#takeOpen(placementFor(scope, isolation, 'legacy', ownEra));
      } catch (error) {
        // Set while it was tried: the server speaks modern only.
        if (this.#speaksLegacy() !== false) throw error;
      }
    }
    return this.#takeOpen(placementFor(scope, isolation, ownEra, ownEra));
  }

  #speaksLegacy(): boolean | undefined {
    return this.#alsoLegacy;
  }

  /** Takes a slot and waits until its channel is open; on failure no lease is left. */
  async #takeOpen(placement: Placement, first = false): Promise<Slot> {
    for (let attempt = 1; ; attempt += 1) {
      const slot = this.#slots.take(placement, first);
      try {
        const channel = await slot.opening;
        if (!channel.closed) return slot;
        if (attempt === MAX_ATTEMPTS) throw this.#unavailable('ends as soon as it is started');
      } catch (error) {
        this.#slots.release(slot);
        throw error;
      }
      this.#slots.release(slot);
    }
  }

  async #open(placement: Placement, onLost: () => void): Promise<UpstreamChannel> {
    this.#refuseWhenDown(placement);
    this.#opening += 1;
    let opened: UpstreamChannel | Refusal;
    try {
      opened = await this.#connect(placement, onLost);
    } catch (error) {
      const failure = BridgeError.from(error);
      // The router has no room; that says nothing of the server.
      throw failure.code === 'OVERLOADED' ? failure : this.#startFailed(failure);
    } finally {
      this.#opening -= 1;
    }
    if ('refusal' in opened) throw this.#refused(placement, opened.refusal);
    this.#lastError = undefined;
    if (placement.key === SHARED_KEY) this.#era = opened.info.era;
    else if (opened.info.era !== this.#era) this.#alsoLegacy = true;
    this.#options.log.debug({ era: opened.info.era, version: opened.info.protocolVersion }, 'server ready');
    return opened;
  }

  #connect(placement: Placement, onLost: () => void): Promise<UpstreamChannel | Refusal> {
    const { connector } = this.#options;
    const { declaration, audience, tenant, key: affinity } = placement;
    const options = { declaration, audience, tenant, affinity, onLost };
    const isProbe = placement.key === SHARED_KEY && this.#era === undefined;
    return isProbe ? connector.probe(options) : connector.open(placement.era, options);
  }

  /** The server is up and said no. Only what concerns everybody counts against the server. */
  #refused(placement: Placement, refusal: BridgeError): BridgeError {
    if (placement.key === SHARED_KEY) return this.#startFailed(refusal);
    if (placement.era !== this.#era) this.#alsoLegacy = false;
    else this.#slots.failed(refusalKeyOf(placement));
    return refusal;
  }

  #startFailed(failure: BridgeError): BridgeError {
    this.#lastError = failure;
    this.#era = undefined;
    this.#alsoLegacy = undefined;
    this.#starts.failed();
    this.#options.log.warn({ code: failure.code }, failure.message);
    return failure;
  }

  /** @throws {BridgeError} UPSTREAM_UNAVAILABLE */
  #refuseWhenDown(placement: Placement): void {
    if (this.#closed) throw this.#unavailable('is closed');
    const refusal = this.#options.connector.refusal?.();
    if (refusal !== undefined) throw refusal;
    const keys = [placement.key, refusalKeyOf(placement)];
    const waitMs = Math.ceil(Math.max(this.#starts.waitMs, ...keys.map((key) => this.#slots.waitMs(key))));
    if (waitMs === 0) return;
    const why = this.#lastError === undefined ? 'keeps ending' : `keeps failing (${this.#lastError.message})`;
    throw new BridgeError(
      'UPSTREAM_UNAVAILABLE',
      `Server "${this.name}" ${why}; next attempt in ${waitMs} ms`,
      { data: `{"retryAfterMs":${waitMs}}` },
    );
  }

  #unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.name}" ${what}`);
  }
}

class SlotLease implements ChannelLease {
  readonly channel: UpstreamChannel;
  readonly #slots: ChannelSlots;
  readonly #slot: Slot;
  #released = false;

  constructor(slots: ChannelSlots, slot: Slot, channel: UpstreamChannel) {
    this.#slots = slots;
    this.#slot = slot;
    this.channel = channel;
  }

  get owned(): boolean {
    return this.#slot.placement.owned;
  }

  release(): void {
    if (!this.#released) this.#slots.release(this.#slot);
    this.#released = true;
  }
}
