import type { KeepResult } from '@mcp-bridge/link';
import type { Metrics } from '@mcp-bridge/metrics';
import type { Logger, PinConfig, RouterConfig } from '@mcp-bridge/service';
import type { ListKind as ChangingList } from '../subscriptions/event-bus.js';
import type { UpstreamChannel, UpstreamServer, UpstreamUrlStatus } from '../upstream/channel.js';
import type { ServerLookup } from '../upstream/server-set.js';
import { AggregatedLists } from './aggregated-lists.js';
import { Descriptions } from './descriptions.js';
import type { FetchLimits } from './fetch-list.js';
import { LIST_KINDS } from './list-kind.js';
import type { ListKind } from './list-kind.js';
import type { ToolFacts } from './param-headers.js';
import { Pins, requireUnblocked } from './pins.js';
import type { PinStatus } from './pins.js';
import { ResourceOwners } from './resource-owners.js';
import { settleWithin } from './settle-within.js';
import { UpstreamLists } from './upstream-lists.js';
import type { ListCaller, ListStatus } from './list-entry.js';
import type { View, Views } from './views.js';
import { isRepeatable } from './tool-annotations.js';
import { createWarnings } from './warnings.js';

/** Who asks the catalog, and in which revision the answer has to be. */
export interface CatalogCaller extends ListCaller {
  readonly protocolVersion: string;
  /** The cursor of the request; `undefined` when it has none. `''` is a cursor. */
  readonly cursor?: string | undefined;
  /** Monotonic time by which the caller gives up, which a single server's view may use up; 0 for none. */
  readonly deadlineAt?: number | undefined;
}

export interface CatalogOptions {
  readonly servers: ServerLookup;
  readonly views: Views;
  readonly config: Pick<RouterConfig, 'listTtl' | 'listTimeout' | 'pageSize'>;
  readonly log: Logger;
  /** Monotonic milliseconds; `performance.now` by default. */
  readonly now?: () => number;
  /** What the bridge says of itself in views over several servers. */
  readonly bridgeInfo?: Readonly<Record<string, unknown>>;
  readonly limits?: FetchLimits;
  /** Which servers' tools must not change; none by default. */
  readonly pinOf?: (server: string) => PinConfig;
  readonly metrics?: Metrics;
}

/** The channel that a session has now, and the one that it had; the same when its upstream session was made anew. */
export interface OwnChannels {
  readonly before: UpstreamChannel;
  readonly now: UpstreamChannel;
}

/** The state of one server as the catalog sees it, for `/debug`. */
export interface CatalogServerStatus {
  readonly server: string;
  readonly state: UpstreamServer['state'] | 'missing';
  readonly era: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly lastError: string | undefined;
  /** Of a server over HTTP. */
  readonly urls?: readonly UpstreamUrlStatus[];
  readonly lists: readonly ListStatus[];
  /** Of a pinned server: digests of the definitions that are accepted, and of those that are not. */
  readonly pins?: PinStatus | undefined;
}

/** What clients see of the upstreams: lists, descriptions, and who owns what. */
export interface Catalog {
  /**
   * One page of a view's list: the raw JSON of the result for the caller's revision. The same Buffer for
   * everybody who may see it: do not mutate.
   *
   * Servers that are slow or down are left out after `listTimeout` and named in `_meta`, or shown as last known;
   * the view of a single server waits until the caller's deadline instead, and fails with that server's error.
   *
   * @throws {BridgeError} INVALID_PARAMS for a cursor that is not of this list
   */
  list(kind: ListKind, view: View, caller: CatalogCaller): Promise<Buffer>;
  /** The raw JSON of the view's `server/discover` result; `initialize` is answered from it too. */
  discover(view: View, caller: CatalogCaller): Promise<Buffer>;
  /**
   * For how long a description or the first page of a list, just given out, may be given to the same principal again.
   * @returns undefined when every request has to be asked anew
   */
  keepFor(
    of: ListKind | 'description',
    view: View,
    caller: CatalogCaller,
    result: Buffer,
  ): KeepResult | undefined;
  /** Tells when what `keepFor` said does not hold any more: with every higher epoch. Returns how to end that. */
  watch(onEpoch: (epoch: number) => void): () => void;
  /** Views are not what they were. */
  viewsChanged(): void;
  /** The server of the view that a URI belongs to, by lists and templates; `undefined` when none claims it. */
  resourceOwner(view: View, uri: string, caller: ListCaller): Promise<string | undefined>;
  /**
   * What is known of a tool; `undefined` when its server does not list it or cannot be asked.
   * @param refresh - list again first, after the upstream complained of the headers
   */
  toolDefinition(
    server: string,
    upstreamName: string,
    caller: ListCaller,
    refresh?: boolean,
  ): Promise<ToolFacts | undefined>;
  /** Whether the server says of a tool, as its list is known here, that it may run any number of times. */
  mayRepeatTool(server: string, upstreamName: string, caller: ListCaller): boolean;
  /**
   * Refuses a tool of a pinned server whose definition changed. Lists first when the list is not known.
   * @throws {BridgeError} DENIED; what the server answered when it cannot be asked
   */
  requireUnchanged(server: string, upstreamName: string, caller: ListCaller): Promise<void>;
  /** From now on the definitions that the server lists next are the accepted ones. True when it had blocked tools. */
  accept(server: string): boolean;
  /**
   * Looks which lists of a server are not what they were, after it was started anew.
   * @param own - a session's own channel, and the one before it
   */
  changedLists(server: string, own?: OwnChannels): Promise<ChangingList[]>;
  /** Whether any tool of the server has `Mcp-Param-*` headers; `undefined` until its list is known. */
  hasParamHeaders(server: string): boolean | undefined;
  /**
   * To be called on `list_changed` (`resources` stands for their templates too).
   * @param session - the legacy session on whose own channel the notice came: it speaks for that session only
   */
  invalidate(server: string, kind: ListKind, session?: string): void;
  /** Forgets what is known of a server: it is another one from now on, or none. */
  forget(server: string): void;
  status(): CatalogServerStatus[];
}

const BRIDGE_INFO = { name: 'mcp-bridge', title: 'MCP Bridge', version: '0.1.0' };
/** How long a single server's view waits when the caller names no deadline. */
const SINGLE_TIMEOUT_MS = 30_000;
/** How far a tool's list may be out of date before it is looked up again behind the caller's back. */
const FACTS_GRACE_MS = 60_000;

/** Creates the catalog. It asks a server only when a client wants to know. */
export function createCatalog(options: CatalogOptions): Catalog {
  const { servers, views, config, log } = options;
  const now = options.now ?? (() => performance.now());
  const bridgeInfo = options.bridgeInfo ?? BRIDGE_INFO;
  const warnings = createWarnings(log, now);
  const { limits, metrics } = options;
  const watchers = new Set<(epoch: number) => void>();
  const pins = new Pins({ pinOf: options.pinOf ?? (() => false), log, metrics });
  const lists = new UpstreamLists({
    servers,
    onEpoch: (epoch) => watchers.forEach((watcher) => watcher(epoch)),
    pins,
    onDefinitionChanged: (server) => metrics?.definitionChanges.labels({ server }).inc(),
    listTtlMs: config.listTtl,
    log,
    now,
    ...(limits === undefined ? {} : { limits }),
  });
  const aggregated = new AggregatedLists({ servers, lists, warnings, now, bridgeInfo, ...config });
  const descriptions = new Descriptions({ servers, lists, warnings, now, bridgeInfo, ttlMs: config.listTtl });
  const owners = new ResourceOwners(lists, config.listTimeout);

  const patience = (view: View, caller: CatalogCaller): number => {
    if (view.prefixed) return config.listTimeout;
    // Nobody else waits for this server: better late than an error.
    const { deadlineAt = 0 } = caller;
    return deadlineAt === 0 ? SINGLE_TIMEOUT_MS : deadlineAt - now();
  };
  const refreshTools = (server: string, caller: ListCaller): void => {
    lists.load(server, 'tools', caller).catch((error: unknown) => {
      log.debug({ server, err: error }, 'could not list the tools again');
    });
  };

  return {
    list: (kind, view, caller) => aggregated.page(kind, view, caller, patience(view, caller)),
    discover: (view, caller) => descriptions.of(view, caller.protocolVersion, patience(view, caller)),
    keepFor(of, view, caller, result) {
      const forMs =
        of === 'description'
          ? descriptions.freshMs(view, caller.protocolVersion, result)
          : aggregated.freshMs(of, view, caller, result);
      return forMs > 0 ? { forMs, epoch: lists.epoch } : undefined;
    },
    watch(onEpoch) {
      watchers.add(onEpoch);
      return () => void watchers.delete(onEpoch);
    },
    viewsChanged: () => lists.changed(),
    async resourceOwner(view, uri, caller) {
      return view.prefixed ? owners.find(view, uri, caller) : view.servers[0];
    },
    async toolDefinition(server, upstreamName, caller, refresh = false) {
      const known = refresh ? undefined : lists.known(server, 'tools', caller);
      if (known !== undefined) {
        // A call must not wait for a list that its server calls stale at once; the next call will know.
        if (now() > known.fetchedAt + known.ttlMs + FACTS_GRACE_MS) refreshTools(server, caller);
        return known.body.byKey.get(upstreamName);
      }
      const [outcome] = await settleWithin([lists.load(server, 'tools', caller)], config.listTimeout);
      return outcome?.state === 'done' ? outcome.value.body.byKey.get(upstreamName) : undefined;
    },
    mayRepeatTool(server, upstreamName, caller) {
      const tool = lists.known(server, 'tools', caller)?.body.byKey.get(upstreamName);
      return tool !== undefined && isRepeatable(tool.raw);
    },
    async requireUnchanged(server, upstreamName, caller) {
      const entry = lists.known(server, 'tools', caller) ?? (await lists.load(server, 'tools', caller));
      if (now() > entry.fetchedAt + entry.ttlMs + FACTS_GRACE_MS) refreshTools(server, caller);
      requireUnblocked(entry.body, upstreamName);
    },
    accept(server) {
      if (!pins.holds(server)) return false;
      const hadBlocked = Object.keys(pins.statusOf(server)?.blocked ?? {}).length > 0;
      pins.accept(server);
      lists.invalidate(server, 'tools');
      return hadBlocked;
    },
    async changedLists(server, own) {
      const changed = await Promise.all(
        LIST_KINDS.map((kind) =>
          own === undefined
            ? lists.differs(server, kind)
            : lists.differsOn(server, kind, own.before, own.now),
        ),
      );
      const kinds = LIST_KINDS.filter((_kind, index) => changed[index]);
      // There is one notice for resources and their templates.
      return [...new Set(kinds.map((kind) => (kind === 'resourceTemplates' ? 'resources' : kind)))];
    },
    hasParamHeaders: (server) => lists.hasParamHeaders(server),
    invalidate(server, kind, session) {
      lists.invalidate(server, kind, session);
    },
    forget: (server) => lists.forget(server),
    status: () =>
      [...new Set(views.all.flatMap((view) => view.servers))].map((server) => {
        const upstream = servers.get(server);
        const info = lists.infoOf(server);
        return {
          server,
          state: upstream?.state ?? 'missing',
          era: info?.era,
          protocolVersion: info?.protocolVersion,
          lastError: upstream?.lastError?.message,
          ...(upstream?.urls === undefined ? {} : { urls: upstream.urls }),
          lists: lists.statusOf(server),
          pins: pins.statusOf(server),
        };
      }),
  };
}
