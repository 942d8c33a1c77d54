import { LRUCache } from 'lru-cache';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Logger } from '@mcp-bridge/service';
import type { UpstreamChannel, UpstreamInfo } from '../upstream/channel.js';
import type { ServerLookup } from '../upstream/server-set.js';
import type { ListBody } from './definitions.js';
import { DEFAULT_FETCH_LIMITS, fetchList } from './fetch-list.js';
import type { FetchLimits } from './fetch-list.js';
import { ownerKey } from './list-entry.js';
import type { ListCaller, ListEntry, ListStatus } from './list-entry.js';
import { LIST_KINDS } from './list-kind.js';
import type { ListKind } from './list-kind.js';
import type { Pins } from './pins.js';
import { SessionLists } from './session-lists.js';

export interface UpstreamListsOptions {
  readonly servers: ServerLookup;
  /** The epoch has risen. */
  readonly onEpoch?: (epoch: number) => void;
  readonly pins: Pins;
  /** Counts definitions that are not what they were. */
  readonly onDefinitionChanged?: (server: string) => void;
  /** How long lists without a hint of their own stay fresh. */
  readonly listTtlMs: number;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits?: FetchLimits;
  /** Memory for lists, all servers together. */
  readonly maxBytes?: number;
}

interface Flight {
  readonly promise: Promise<ListEntry>;
  readonly owner: string;
}

const EVERYBODY: ListCaller = { tenant: '', principal: '', session: '' };
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * The lists of all upstreams, fetched when asked for and kept as long as their servers allow. One fetch at a
 * time per list; a principal never sees a list that was fetched as another's `private`.
 */
export class UpstreamLists {
  readonly #options: UpstreamListsOptions;
  readonly #limits: FetchLimits;
  readonly #entries: LRUCache<string, ListEntry>;
  /** Equal lists are one object, however many sessions fetched them. */
  readonly #bodies: LRUCache<string, ListBody>;
  readonly #sessions: SessionLists;
  readonly #flights = new Map<string, Flight>();
  readonly #generations = new Map<string, number>();
  readonly #privateLists = new Set<string>();
  readonly #infos = new Map<string, UpstreamInfo>();
  readonly #paramHeaders = new Map<string, boolean>();
  #epoch = 0;

  constructor(options: UpstreamListsOptions) {
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_FETCH_LIMITS;
    const maxSize = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#entries = new LRUCache({ maxSize, sizeCalculation: (entry) => entry.body.bytes });
    this.#bodies = new LRUCache({ maxSize, sizeCalculation: (body) => body.bytes });
    this.#sessions = new SessionLists(async (server, kind, channel, generation) => {
      const { body, truncated } = await fetchList(server, kind, channel, this.#limits);
      return this.#entry({ body, truncated, scope: 'session', ttlMs: options.listTtlMs, generation });
    });
  }

  /** Rises whenever a list or a server's description is not what it was: what was built of them needs a look. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Has everything that was built of lists looked at again. */
  changed(): void {
    this.#epoch += 1;
    this.#options.onEpoch?.(this.#epoch);
  }

  /** What the server last said of itself. */
  infoOf(server: string): UpstreamInfo | undefined {
    return this.#infos.get(server);
  }

  /** Whether a tool of the server has `Mcp-Param-*` headers; `undefined` until its list is known. */
  hasParamHeaders(server: string): boolean | undefined {
    return this.#paramHeaders.get(server);
  }

  /** The list when it is at hand and may still be shown without asking. */
  fresh(server: string, kind: ListKind, caller: ListCaller): ListEntry | undefined {
    const entry = this.known(server, kind, caller);
    return entry !== undefined && this.#options.now() < entry.fetchedAt + entry.ttlMs ? entry : undefined;
  }

  /** The list as last fetched, perhaps out of date, but not from before a change notice. */
  known(server: string, kind: ListKind, caller: ListCaller): ListEntry | undefined {
    const own = this.ownChannel(server, caller);
    const key = listKey(server, kind);
    const entry =
      own === undefined
        ? (this.#entries.get(key) ?? this.#entries.get(privateKey(key, caller)))
        : this.#sessions.known(own, kind);
    return entry?.generation === this.#generation(key) ? entry : undefined;
  }

  /** The live legacy channel that belongs to this caller's session alone. */
  ownChannel(server: string, caller: ListCaller): UpstreamChannel | undefined {
    if (caller.session === '') return undefined;
    const channel = this.#options.servers.get(server)?.existing(caller.session);
    return channel === undefined || channel.closed || channel.info.era === 'modern' ? undefined : channel;
  }

  /** Fetches the list, or joins a fetch under way that this caller may share. */
  async load(server: string, kind: ListKind, caller: ListCaller): Promise<ListEntry> {
    const own = this.ownChannel(server, caller);
    const key = listKey(server, kind);
    if (own !== undefined) return this.#sessions.load(server, kind, own, this.#generation(key));
    const owner = ownerKey(caller);
    for (;;) {
      const flightKey = `${this.#privateLists.has(key) ? privateKey(key, caller) : key}\0${this.#generation(key)}`;
      const flight = this.#flights.get(flightKey);
      if (flight === undefined) return this.#takeOff(flightKey, server, kind, caller);
      const entry = await flight.promise;
      if (entry.scope !== 'private' || flight.owner === owner) return entry;
      // Somebody else's private list: from now on each principal has a flight of its own.
    }
  }

  /** False once the server announced a change since this list was asked for. */
  isCurrent(entry: ListEntry): boolean {
    return entry.generation === this.#generation(listKey(entry.body.server, entry.body.kind));
  }

  /** The lists of a server that everybody shares, and which ones each principal has for itself. */
  statusOf(server: string): ListStatus[] {
    const statuses: ListStatus[] = [];
    for (const kind of LIST_KINDS) {
      const key = listKey(server, kind);
      const entry = this.#entries.peek(key);
      if (this.#privateLists.has(key)) {
        statuses.push({ kind, scope: 'private' });
      } else if (entry !== undefined) {
        const { body, scope, ttlMs, fetchedAt, truncated } = entry;
        const { definitions, bytes, excluded } = body;
        const ageMs = Math.round(this.#options.now() - fetchedAt);
        statuses.push({ kind, scope, items: definitions.length, bytes, ageMs, ttlMs, excluded, truncated });
      }
    }
    return statuses;
  }

  /**
   * Forgets a list, because its server said that it changed. There is one notice for resources and their
   * templates, so both go.
   *
   * @param session - the legacy session on whose own channel the notice came: it speaks for that session only
   */
  invalidate(server: string, kind: ListKind, session = ''): void {
    const kinds: readonly ListKind[] = kind === 'resources' ? ['resources', 'resourceTemplates'] : [kind];
    const channel = session === '' ? undefined : this.#options.servers.get(server)?.existing(session);
    for (const one of kinds) {
      if (channel !== undefined) this.#sessions.forget(channel, one);
      if (session !== '') continue;
      const key = listKey(server, one);
      this.#generations.set(key, this.#generation(key) + 1);
    }
    this.changed();
  }

  /** Forgets what is known of a server: it is another one from now on, or none. */
  forget(server: string): void {
    for (const kind of LIST_KINDS) {
      const key = listKey(server, kind);
      this.#generations.set(key, this.#generation(key) + 1);
      this.#privateLists.delete(key);
    }
    this.#infos.delete(server);
    this.#paramHeaders.delete(server);
    this.changed();
  }

  /** The server's channel for lists and descriptions, remembering what it says of itself. */
  async channel(server: string): Promise<UpstreamChannel> {
    const upstream = this.#options.servers.get(server);
    if (upstream === undefined)
      throw new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" is not running`);
    const channel = await upstream.catalogChannel();
    // Another server may have its name by now.
    const current = this.#options.servers.get(server) === upstream;
    if (current && this.#infos.get(server) !== channel.info) {
      this.#infos.set(server, channel.info);
      this.changed();
    }
    return channel;
  }

  /**
   * Fetches a list that everybody shares again, because its server was started anew.
   * @returns whether it is another one than before; false when nobody has seen it yet
   */
  async differs(server: string, kind: ListKind): Promise<boolean> {
    const before = this.#entries.get(listKey(server, kind));
    if (before === undefined) return false;
    // Calls of pinned tools wait for what the server says now.
    if (this.#options.pins.holds(server)) this.invalidate(server, kind);
    const { body } = await this.load(server, kind, EVERYBODY);
    return body.id !== before.body.id;
  }

  /** The same for the lists of a session's own channel, which was made anew or took the place of another. */
  async differsOn(
    server: string,
    kind: ListKind,
    before: UpstreamChannel,
    now: UpstreamChannel,
  ): Promise<boolean> {
    const known = this.#sessions.known(before, kind);
    if (known === undefined) return false;
    if (before === now) this.#sessions.forget(now, kind);
    const generation = this.#generation(listKey(server, kind));
    const { body } = await this.#sessions.load(server, kind, now, generation);
    return body.id !== known.body.id;
  }

  #takeOff(flightKey: string, server: string, kind: ListKind, caller: ListCaller): Promise<ListEntry> {
    const key = listKey(server, kind);
    const generation = this.#generation(key);
    const fly = async (): Promise<ListEntry> => {
      const channel = await this.channel(server);
      const fetched = await fetchList(server, kind, channel, this.#limits);
      const scope = channel.info.era === 'legacy' ? 'shared' : fetched.cacheScope;
      return this.#store(
        { ...fetched, scope, generation, ttlMs: fetched.ttlMs ?? this.#options.listTtlMs },
        caller,
      );
    };
    const promise = fly().finally(() => this.#flights.delete(flightKey));
    this.#flights.set(flightKey, { promise, owner: ownerKey(caller) });
    return promise;
  }

  #store(fetched: Omit<ListEntry, 'fetchedAt'>, caller: ListCaller): ListEntry {
    const { body, scope, ttlMs, generation } = fetched;
    const entry = this.#entry(fetched);
    const shared = listKey(body.server, body.kind);
    // Changed while it was on its way: good enough for those who asked before, not to keep.
    if (generation !== this.#generation(shared)) return entry;
    const key = scope === 'private' ? privateKey(shared, caller) : shared;
    if (scope === 'private') {
      this.#privateLists.add(shared);
      this.#entries.delete(shared);
    } else {
      this.#privateLists.delete(shared);
    }
    const before = this.#entries.get(key);
    if (before?.body !== entry.body || before.scope !== scope || before.ttlMs !== ttlMs) this.changed();
    this.#entries.set(key, entry);
    if (before?.body !== entry.body) this.#announce(entry, before);
    return entry;
  }

  /** Tells the log what a list holds that clients will not see, and which definitions are not what they were. */
  #announce(entry: ListEntry, before: ListEntry | undefined): void {
    const { log } = this.#options;
    const { server, kind, excluded, byKey } = entry.body;
    if (kind === 'tools') {
      const any = entry.body.definitions.some((tool) => tool.paramHeaders.length > 0);
      const others = entry.scope === 'private' && this.#paramHeaders.get(server) === true;
      this.#paramHeaders.set(server, any || others);
    }
    for (const { key, reason } of excluded)
      log.warn({ server, list: kind, item: key, reason }, 'left out of the list');
    if (entry.truncated !== undefined)
      log.warn({ server, list: kind, reason: entry.truncated }, 'list cut short');
    if (before === undefined) return;
    for (const old of before.body.definitions) {
      const now = byKey.get(old.key);
      if (now === undefined || now.digest === old.digest) continue;
      log.warn({ server, list: kind, item: old.key, was: old.digest, is: now.digest }, 'definition changed');
      this.#options.onDefinitionChanged?.(server);
    }
  }

  #entry({ body, scope, ttlMs, generation, truncated }: Omit<ListEntry, 'fetchedAt'>): ListEntry {
    const shown = this.#options.pins.screen(body);
    let known = this.#bodies.get(shown.id);
    if (known === undefined) {
      known = shown;
      this.#bodies.set(shown.id, shown);
    }
    return { body: known, scope, ttlMs, fetchedAt: this.#options.now(), generation, truncated };
  }

  #generation(key: string): number {
    return this.#generations.get(key) ?? 0;
  }
}

function listKey(server: string, kind: ListKind): string {
  return `${server}\0${kind}`;
}

function privateKey(key: string, caller: ListCaller): string {
  return `${key}\0${ownerKey(caller)}`;
}
