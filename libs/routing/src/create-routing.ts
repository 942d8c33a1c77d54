import { createSealer } from '@mcp-bridge/identity';
import { createDeadlineWheel } from '@mcp-bridge/link';
import type { CallHandler, CallRequest, ServerState } from '@mcp-bridge/link';
import type { Metrics } from '@mcp-bridge/metrics';
import type { Envelope } from '@mcp-bridge/protocol';
import type { BridgeConfig, ConfigChange, PinConfig } from '@mcp-bridge/service';
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { createCatalog } from './catalog/catalog.js';
import type { OwnChannels } from './catalog/catalog.js';
import { LiveViews } from './catalog/live-views.js';
import { createViews } from './catalog/views.js';
import type { Views } from './catalog/views.js';
import { passesLevel } from './adapt/era.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import { Forwarder, ownerOf } from './dispatch/forwarder.js';
import { ensureLogLevel, forgetLogLevel } from './dispatch/log-levels.js';
import { TaskOwners } from './dispatch/task-owners.js';
import { HeldCalls } from './input/held-calls.js';
import { startNativeServer } from './native/native-server.js';
import { askSession } from './sessions/ask-session.js';
import { SessionCalls } from './sessions/session-calls.js';
import { SessionStore } from './sessions/session-store.js';
import { ClientListens } from './subscriptions/client-listens.js';
import { EventBus } from './subscriptions/event-bus.js';
import type { Audience } from './subscriptions/event-bus.js';
import { ResourceSubscriptions } from './subscriptions/resource-subscriptions.js';
import { UpstreamEvents } from './subscriptions/upstream-events.js';
import type { ChannelOwner } from './subscriptions/upstream-events.js';
import type { ChannelLease, UpstreamServer } from './upstream/channel.js';
import { ServerSet } from './upstream/server-set.js';
import { createSupervision } from './upstream/stdio/supervision.js';
import { startUpstreamServer } from './upstream/upstream-server.js';

/** How often idle sessions and unanswered questions are looked for. */
const SWEEP_MS = 5_000;
const MAX_HELD = 10_000;
const MAX_HELD_PER_PRINCIPAL = 1_000;

export interface RoutingOptions {
  readonly config: BridgeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The routing half of the bridge, ready to be linked to gateways. */
export interface Routing {
  /** Random per start; stands in front of every `requestState` that this router seals. */
  readonly id: string;
  readonly handler: CallHandler;
  /** The configured servers, for the router's API. */
  servers(): readonly ServerState[];
  /** For `/debug/state`: servers and counts, no content. */
  status(): Record<string, unknown>;
  /**
   * Serves what another configuration says of servers, views and native tools, from this moment on. Servers whose
   * entries are what they were are not touched; calls in flight end where they began, held ones too; whoever listens
   * is told which lists changed. Tools that are blocked because their definitions changed (`pin`) are accepted as they
   * are now when the operator asked for it, or their server's own entry changed.
   */
  reconfigure(change: ConfigChange): void;
  /** Answers every open `subscriptions/listen`: its client knows that the stream ended in order. */
  endListens(): void;
  /** Ends listens, waits for the calls in flight. */
  drain(timeoutMs: number): Promise<void>;
  /** Closes every upstream; child processes are gone when this resolves. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Builds catalog, sessions and dispatch around the configured servers. Starts none of them. */
export function createRouting({ config, log, metrics }: RoutingOptions): Routing {
  const id = randomBytes(6).toString('base64url');
  const views = new LiveViews(viewsOf(config));
  const bus = new EventBus(views);
  const resources = new ResourceSubscriptions();
  const tasks = new TaskOwners();
  const deadlines = createDeadlineWheel();
  const events = new UpstreamEvents({
    bus,
    invalidate: (server, kind) => catalog.invalidate(server, kind),
    onResourceUpdated: (channel, notification) => resources.dispatch(channel, notification),
    onChannelLost: (channel) => resources.lost(channel),
    onRenewed: (server) => announceChanges(server, undefined),
  });
  const supervision = createSupervision(config.router, log);
  const servers = new ServerSet({
    start: (name, server) =>
      watched(startUpstreamServer(name, server, { log, metrics, supervision }), events),
    startNative: ({ tools, workers }) => {
      const onListChanged = (): void => events.listChanged(workers.name, 'tools', undefined);
      return startNativeServer({ tools, workers, onListChanged, log, metrics });
    },
    onRetired: (name) => events.retire(name),
    drainTimeoutMs: config.router.drainTimeout,
    log,
  });
  servers.configure(config);
  const pinOf = (server: string): PinConfig => servers.pinOf(server);
  const catalog = createCatalog({ servers, views, config: config.router, log, pinOf, metrics });
  /** A server that was lost and is back may offer something else; who listens hears of it. */
  const announceChanges = (server: string, audience: Audience | undefined, own?: OwnChannels): void => {
    catalog.changedLists(server, own).then(
      (kinds) => kinds.forEach((kind) => bus.emit({ server, kind, audience })),
      (error: unknown) => log.debug({ server, err: error }, 'could not list again after the restart'),
    );
  };
  const sessions = new SessionStore({
    idleTtlMs: config.router.sessionIdleTtl,
    onEnd: (session) => servers.endSession(session.id),
  });
  const held = new HeldCalls({
    sealer: createSealer({ purpose: 'request-state', keys: [randomBytes(32)] }),
    routerId: id,
    ttlMs: config.router.inputTtl,
    maxHeld: MAX_HELD,
    maxHeldPerPrincipal: MAX_HELD_PER_PRINCIPAL,
  });

  const onChannel = (server: string, lease: ChannelLease, request: CallRequest): void => {
    if (lease.owned) {
      const { channel } = lease;
      sessions.takeBackLists(request.session);
      events.watchOwned(server, channel, () => ownerOfChannel(server, lease, request));
      const lost = sessions.get(request.session)?.lostChannels;
      const before = lost?.get(server);
      if (before === undefined || lost?.delete(server) !== true) return;
      announceChanges(server, audienceOf(request), { before, now: channel });
    } else events.watchShared(server, lease.channel);
  };
  const ownerOfChannel = (server: string, lease: ChannelLease, request: CallRequest): ChannelOwner => {
    const session = (): ReturnType<SessionStore['get']> =>
      request.session === '' ? undefined : sessions.get(request.session);
    return {
      audience: audienceOf(request),
      onMessage: (notification) => {
        const level = session()?.logLevel ?? '';
        if (notification.method === 'notifications/message' && level !== '') {
          if (!passesLevel(notification.level ?? '', level)) return;
        }
        const { start, end } = notification.message;
        session()?.notify(notification.bytes.subarray(start, end));
      },
      onServerRequest: (question, respond) => askSession(session(), request, question, respond),
      onClosed: () => session()?.lostChannels.set(server, lease.channel),
      onReset: () => {
        const { channel } = lease;
        if (request.session !== '')
          announceChanges(server, audienceOf(request), { before: channel, now: channel });
        forgetLogLevel(lease.channel);
        ensureLogLevel(lease.channel, session()?.logLevel ?? '', ownerOf(request), true);
        resources.restore(lease.channel, ownerOf(request));
      },
    };
  };
  const onUnsolicited = (server: string, request: CallRequest, notification: Envelope): void => {
    events.handle(server, notification, audienceOf(request));
  };
  const forwarder = new Forwarder({
    servers,
    catalog,
    sessions,
    held,
    tasks,
    onChannel,
    onUnsolicited,
  });
  const acquire = async (server: string, request: CallRequest): Promise<ChannelLease> =>
    forwarder.acquire(server, request);
  const listens = new ClientListens({
    catalog,
    bus,
    events,
    resources,
    acquire,
    settleTimeoutMs: config.router.listTimeout,
  });
  const sessionCalls = new SessionCalls({ sessions, servers, views, catalog, bus, resources, acquire });
  const dispatcher = new Dispatcher({
    views,
    catalog,
    sessions,
    sessionCalls,
    listens,
    forwarder,
    deadlines,
  });

  const sweep = setInterval(() => {
    sessions.reap();
    held.reap();
  }, SWEEP_MS);
  sweep.unref();

  const close = async (): Promise<void> => {
    clearInterval(sweep);
    held.close();
    sessions.close();
    events.close();
    await servers.close();
  };
  const reconfigure = ({ config: next, cause }: ConfigChange): void => {
    supervision.configure(next.router);
    const { added, changed, removed, repinned } = servers.configure(next);
    const touched = [...added, ...changed, ...removed];
    for (const server of touched) catalog.forget(server);
    const changedViews = views.replace(viewsOf(next), new Set(touched));
    if (changedViews.length > 0) catalog.viewsChanged();
    for (const view of changedViews) bus.viewChanged(view);
    // A signal says: I have looked. A file may have changed for the sake of other servers.
    const accepted = cause === 'signal' ? Object.keys(next.servers) : [...touched, ...repinned];
    for (const server of accepted) {
      if (catalog.accept(server)) bus.emit({ server, kind: 'tools', audience: undefined });
    }
    log.info({ added, changed, removed, repinned, changedViews }, 'servers and views configured');
  };
  return {
    id,
    handler: dispatcher,
    servers: () =>
      catalog.status().map(({ server, state, era, protocolVersion, lastError, urls = [] }) => ({
        name: server,
        state,
        era: era ?? '',
        protocolVersion: protocolVersion ?? '',
        lastError: lastError ?? '',
        urls: urls.map(({ reason = '', ...url }) => ({ ...url, reason })),
      })),
    status: () => ({
      servers: catalog.status(),
      sessions: sessions.size,
      calls: dispatcher.inFlight,
      held: held.size,
      retiring: servers.retiring,
      serverProcesses: supervision.places.taken,
      ...(servers.native === undefined ? {} : { native: servers.native.status() }),
    }),
    reconfigure,
    endListens: () => listens.endAll(),
    drain: (timeoutMs) => dispatcher.drain(timeoutMs),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The server, with the bridge listening on its shared channel from the moment there is one. */
function watched(server: UpstreamServer, events: UpstreamEvents): UpstreamServer {
  return {
    name: server.name,
    get state() {
      return server.state;
    },
    get lastError() {
      return server.lastError;
    },
    get urls() {
      return server.urls;
    },
    async catalogChannel() {
      const channel = await server.catalogChannel();
      events.watchShared(server.name, channel);
      return channel;
    },
    acquire: (scope) => server.acquire(scope),
    existing: (session) => server.existing(session),
    endSession: (session) => server.endSession(session),
    drain: (timeoutMs) => server.drain(timeoutMs),
    close: () => server.close(),
  };
}

/** The native tools appear as one more server. */
function viewsOf({ servers, tools, workers, views }: BridgeConfig): Views {
  const native = tools.length === 0 ? {} : { [workers.name]: { disabled: false } };
  return createViews({ servers: { ...servers, ...native }, views });
}

function audienceOf(request: CallRequest): Audience {
  return { tenant: request.principal.tenant, principal: request.principal.id, session: request.session };
}
