import { LRUCache } from 'lru-cache';
import { isModernVersion } from '../adapt/era.js';
import type { ServerLookup } from '../upstream/server-set.js';
import type { CatalogCaller } from './catalog.js';
import { LISTS } from './list-kind.js';
import type { ListKind } from './list-kind.js';
import { ListPages } from './list-pages.js';
import { reasonOf, reportMissing } from './missing-servers.js';
import type { MissingServer, MissingServers } from './missing-servers.js';
import { settleWithin } from './settle-within.js';
import { ownerKey } from './list-entry.js';
import type { ListCaller, ListEntry } from './list-entry.js';
import type { UpstreamLists } from './upstream-lists.js';
import type { View } from './views.js';
import type { Warnings } from './warnings.js';

export interface AggregatedListsOptions {
  readonly servers: ServerLookup;
  readonly lists: UpstreamLists;
  readonly warnings: Warnings;
  readonly now: () => number;
  readonly bridgeInfo: Readonly<Record<string, unknown>>;
  readonly listTtl: number;
  readonly pageSize: number;
}

/** Each server's list as far as it came, in the order of the view. */
interface Gathered {
  readonly entries: readonly ListEntry[];
  readonly missing: MissingServers | undefined;
}

/** The short way to finished pages, without a look at their parts. */
interface Front {
  readonly pagesKey: string;
  readonly epoch: number;
  readonly expiresAt: number;
}

interface KnownPages {
  readonly pages: ListPages;
  readonly expiresAt: number;
}

/** A partial list is worth asking for again at once. */
const PARTIAL_TTL_MS = 0;
const MAX_PAGES_BYTES = 64 * 1024 * 1024;
const MAX_FRONTS = 10_000;

/**
 * The lists of views: gathered from their servers, rendered into pages, kept. Asking again is two map look-ups
 * that end at the same Buffer, until a part expires or changes.
 */
export class AggregatedLists {
  readonly #options: AggregatedListsOptions;
  /** By content, so that principals and sessions with equal lists share the pages. */
  readonly #pages = new LRUCache<string, ListPages>({
    maxSize: MAX_PAGES_BYTES,
    sizeCalculation: (pages) => pages.bytes,
  });
  readonly #fronts = new LRUCache<string, Front>({ max: MAX_FRONTS });

  constructor(options: AggregatedListsOptions) {
    this.#options = options;
  }

  async page(kind: ListKind, view: View, caller: CatalogCaller, patienceMs: number): Promise<Buffer> {
    const own = this.#hasOwnChannel(view, caller);
    const known = own ? undefined : this.#known(kind, view, caller);
    if (known !== undefined) return known.pages.page(caller.cursor);
    const gathered = await this.#gather(kind, view, caller, patienceMs);
    const { pagesKey, pages } = this.#assemble(kind, view, isModernVersion(caller.protocolVersion), gathered);
    if (!own) this.#remember(frontKey(kind, view, caller), caller, pagesKey, gathered);
    return pages.page(caller.cursor);
  }

  /**
   * Milliseconds for which a first page that was just given out stays what this caller gets, if nothing changes; 0 when
   * that cannot be told.
   */
  freshMs(kind: ListKind, view: View, caller: CatalogCaller, page: Buffer): number {
    if (this.#hasOwnChannel(view, caller)) return 0;
    const known = this.#known(kind, view, caller);
    return known?.pages.page(undefined) === page ? Math.floor(known.expiresAt - this.#options.now()) : 0;
  }

  #hasOwnChannel(view: View, caller: CatalogCaller): boolean {
    if (caller.session === '') return false;
    return view.servers.some((server) => this.#options.lists.ownChannel(server, caller) !== undefined);
  }

  #known(kind: ListKind, view: View, caller: CatalogCaller): KnownPages | undefined {
    const key = frontKey(kind, view, caller);
    return this.#front(key) ?? this.#front(privateFront(key, caller));
  }

  #front(key: string): KnownPages | undefined {
    const front = this.#fronts.get(key);
    if (front === undefined || front.epoch !== this.#options.lists.epoch) return undefined;
    if (this.#options.now() >= front.expiresAt) return undefined;
    const pages = this.#pages.get(front.pagesKey);
    return pages === undefined ? undefined : { pages, expiresAt: front.expiresAt };
  }

  #remember(key: string, caller: ListCaller, pagesKey: string, { entries, missing }: Gathered): void {
    const { lists, now } = this.#options;
    const expiresAt = Math.min(...entries.map((entry) => entry.fetchedAt + entry.ttlMs));
    // Changed while the slowest was waited for: the next caller gathers again.
    if (missing !== undefined || now() >= expiresAt || !entries.every((entry) => lists.isCurrent(entry)))
      return;
    const front = { pagesKey, epoch: lists.epoch, expiresAt };
    const isPrivate = entries.some((entry) => entry.scope === 'private');
    if (isPrivate) this.#fronts.delete(key);
    this.#fronts.set(isPrivate ? privateFront(key, caller) : key, front);
  }

  async #gather(kind: ListKind, view: View, caller: CatalogCaller, patienceMs: number): Promise<Gathered> {
    const { lists, servers, warnings } = this.#options;
    const fresh = new Map(view.servers.map((server) => [server, lists.fresh(server, kind, caller)]));
    const wanted = view.servers.filter((server) => fresh.get(server) === undefined);
    if (wanted.length === 0) {
      return { entries: [...fresh.values()].filter((entry) => entry !== undefined), missing: undefined };
    }
    const settled = await settleWithin(
      wanted.map((server) => lists.load(server, kind, caller)),
      patienceMs,
    );
    const entries: ListEntry[] = [];
    const missing: Record<string, MissingServer> = {};
    for (const server of view.servers) {
      const outcome = settled[wanted.indexOf(server)];
      const entry = outcome?.state === 'done' ? outcome.value : fresh.get(server);
      if (entry !== undefined) {
        entries.push(entry);
        continue;
      }
      const upstream = servers.get(server);
      const error = reasonOf(server, upstream, outcome, LISTS[kind].method);
      // An old list, or the one that all sessions share, is better than none: its tools may work by then.
      const old = lists.known(server, kind, caller) ?? lists.known(server, kind, { ...caller, session: '' });
      if (old !== undefined) entries.push(old);
      else if (!view.prefixed) throw error;
      missing[server] = reportMissing(server, upstream, error, old !== undefined, warnings);
    }
    return { entries, missing: Object.keys(missing).length === 0 ? undefined : missing };
  }

  #assemble(
    kind: ListKind,
    view: View,
    modern: boolean,
    { entries, missing }: Gathered,
  ): { pagesKey: string; pages: ListPages } {
    const isPublic = missing === undefined && entries.every((entry) => entry.scope === 'public');
    const frame = {
      modern,
      ttlMs:
        missing === undefined
          ? Math.min(this.#options.listTtl, ...entries.map((entry) => entry.ttlMs))
          : PARTIAL_TTL_MS,
      cacheScope: isPublic ? ('public' as const) : ('private' as const),
      serverInfo: modern ? JSON.stringify(this.#serverInfo(view)) : '',
      upstreams: missing,
      pageSize: this.#options.pageSize,
    };
    const bodies = entries.map((entry) => entry.body);
    const ids = bodies.map((body) => body.id).join(',');
    const pagesKey = [view.id, kind, modern, frame.ttlMs, frame.cacheScope, frame.serverInfo, ids].join('\0');
    const known = missing === undefined ? this.#pages.get(pagesKey) : undefined;
    if (known !== undefined) return { pagesKey, pages: known };
    const pages = new ListPages(view, kind, bodies, frame);
    this.#report(view, kind, pages);
    if (missing === undefined) this.#pages.set(pagesKey, pages);
    return { pagesKey, pages };
  }

  #report(view: View, kind: ListKind, pages: ListPages): void {
    for (const { server, key: item, reason } of pages.excluded) {
      const fields = { view: view.name, server, list: kind, item, reason };
      this.#options.warnings.once(JSON.stringify(fields), fields, 'left out of the list');
    }
  }

  #serverInfo(view: View): Readonly<Record<string, unknown>> {
    const only = view.prefixed ? undefined : view.servers[0];
    const info = only === undefined ? undefined : this.#options.lists.infoOf(only)?.serverInfo;
    return info ?? this.#options.bridgeInfo;
  }
}

function frontKey(kind: ListKind, view: View, { protocolVersion }: CatalogCaller): string {
  return `${view.id}\0${kind}\0${isModernVersion(protocolVersion)}`;
}

function privateFront(key: string, caller: ListCaller): string {
  return `${key}\0${ownerKey(caller)}`;
}
