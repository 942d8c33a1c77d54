import type { Logger, RouterConfig } from '@mcp-bridge/service';
import type { UpstreamServer, UpstreamUrlStatus } from '../upstream/channel.js';
import type { ServerLookup } from '../upstream/server-set.js';
import { AggregatedLists } from './aggregated-lists.js';
import { Descriptions } from './descriptions.js';
import type { FetchLimits } from './fetch-list.js';
import type { ListKind } from './list-kind.js';
import type { ToolFacts } from './param-headers.js';
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
  const { limits } = options;
  const lists = new UpstreamLists({
    servers,
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
        };
      }),
  };
}
