import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import { isLogLevel } from '../adapt/era.js';
import type { Catalog } from '../catalog/catalog.js';
import type { View, Views } from '../catalog/views.js';
import type { ActiveCall } from '../dispatch/active-call.js';
import { ensureLogLevel } from '../dispatch/log-levels.js';
import { callerOf, ownerOf, resourceNotFound } from '../dispatch/forwarder.js';
import type { EventBus } from '../subscriptions/event-bus.js';
import { keepSubscribed } from '../subscriptions/keep-subscribed.js';
import { listChangedMessage, resourceUpdatedMessage } from '../subscriptions/messages.js';
import type { ResourceSubscriptions } from '../subscriptions/resource-subscriptions.js';
import type { ChannelLease } from '../upstream/channel.js';
import type { ServerLookup } from '../upstream/server-set.js';
import type { Session } from './session.js';
import type { SessionStore } from './session-store.js';

const EMPTY = Buffer.from('{}');

export interface SessionCallsOptions {
  readonly sessions: SessionStore;
  readonly servers: ServerLookup;
  readonly views: Views;
  readonly catalog: Catalog;
  readonly bus: EventBus;
  readonly resources: ResourceSubscriptions;
  readonly acquire: (server: string, request: CallRequest) => Promise<ChannelLease>;
}

/** What a legacy client does with its session: streams, log level, resource subscriptions, notifications. */
export class SessionCalls {
  readonly #options: SessionCallsOptions;

  constructor(options: SessionCallsOptions) {
    this.#options = options;
  }

  /** `session/stream`: the GET stream; stays open until the client or the router closes it. */
  openStream(call: ActiveCall, view: View): void {
    const { request } = call;
    const session = this.#sessionOf(call);
    const unsubscribe = this.#options.bus.subscribe(view.name, {
      audience: { tenant: request.principal.tenant, principal: request.principal.id, session: session.id },
      onListChanged: (kind) => session.notify(listChangedMessage(kind)),
    });
    call.onEnd(unsubscribe);
    session.attachStream(call);
  }

  /** `session/resume`: what a stream sent after an event, then what follows on it. */
  resumeStream(call: ActiveCall): void {
    // The gateway made these params.
    const { stream, after } = JSON.parse(call.request.params.toString('utf8')) as {
      stream: string;
      after: number;
    };
    const session = this.#sessionOf(call);
    const reader = {
      onMessage: (message: Buffer) => call.send(message),
      onResult: (result: Buffer) => call.finish(result),
      onError: (error: BridgeError) => call.fail(error),
    };
    const replay = session.resume(stream, after, reader);
    if (replay === undefined) {
      throw new BridgeError(
        'INVALID_PARAMS',
        'Nothing is kept for this Last-Event-ID; send the request again',
      );
    }
    call.onEnd(() => replay.detach(reader));
  }

  setLogLevel(call: ActiveCall, view: View): void {
    // Validated as an object by the gateway.
    const { level } = JSON.parse(call.request.params.toString('utf8')) as { level?: unknown };
    if (typeof level !== 'string' || !isLogLevel(level)) {
      throw new BridgeError('INVALID_PARAMS', `"${String(level)}" is not a log level`);
    }
    const session = this.#sessionOf(call);
    session.logLevel = level;
    for (const server of view.servers) {
      const channel = this.#options.servers.get(server)?.existing(session.id);
      if (channel !== undefined) ensureLogLevel(channel, level, ownerOf(call.request), true);
    }
    call.finish(EMPTY);
  }

  async subscribe(call: ActiveCall, view: View): Promise<void> {
    const { request } = call;
    const session = this.#sessionOf(call);
    const uri = request.name;
    if (!session.subscriptions.has(uri)) {
      const server = await this.#options.catalog.resourceOwner(view, uri, callerOf(request));
      if (server === undefined || !view.allowsResource(uri, server)) throw resourceNotFound(request);
      const { acquire, resources } = this.#options;
      const onUpdated = (updated: string): void => session.notify(resourceUpdatedMessage(updated));
      const undo = await keepSubscribed(
        async (onLost) =>
          resources.subscribe(await acquire(server, request), ownerOf(request), uri, { onUpdated, onLost }),
        () => onUpdated(uri),
      );
      if (session.ended || session.subscriptions.has(uri)) undo();
      else session.subscriptions.set(uri, undo);
    }
    call.finish(EMPTY);
  }

  unsubscribe(call: ActiveCall): void {
    const session = this.#sessionOf(call);
    const undo = session.subscriptions.get(call.request.name);
    session.subscriptions.delete(call.request.name);
    undo?.();
    call.finish(EMPTY);
  }

  /** Passes a client's notification (roots/list_changed and the like) to the session's own upstream channels. */
  notifyUpstreams(session: Session, notification: Envelope): void {
    // The bridge says `initialized` to its upstreams itself.
    if (notification.method === 'notifications/initialized') return;
    const params =
      notification.params.start < 0
        ? EMPTY
        : notification.bytes.subarray(notification.params.start, notification.params.end);
    for (const server of this.#options.views.viewOf(session.view)?.servers ?? []) {
      const channel = this.#options.servers.get(server)?.existing(session.id);
      if (channel?.info.era === 'legacy') channel.notify(notification.method, params);
    }
  }

  #sessionOf(call: ActiveCall): Session {
    const { request } = call;
    if (request.session === '') {
      throw new BridgeError('INVALID_REQUEST', `${request.method} needs a session; initialize first`);
    }
    return this.#options.sessions.open(request.session, request.principal, request.view);
  }
}
