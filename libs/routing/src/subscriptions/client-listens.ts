import { BridgeError } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import type { Catalog } from '../catalog/catalog.js';
import type { View } from '../catalog/views.js';
import type { ActiveCall } from '../dispatch/active-call.js';
import { callerOf, ownerOf } from '../dispatch/forwarder.js';
import type { ChannelLease } from '../upstream/channel.js';
import { CHANGING_LISTS } from './event-bus.js';
import type { EventBus } from './event-bus.js';
import { keepSubscribed } from './keep-subscribed.js';
import { listenMessage, listenResult } from './messages.js';
import type { ResourceSubscriptions } from './resource-subscriptions.js';
import type { UpstreamEvents } from './upstream-events.js';
import type { ListenFilter } from './upstream-listen.js';

/** Resource subscriptions of one listen request. */
const MAX_URIS = 1_000;

export interface ClientListensOptions {
  readonly catalog: Catalog;
  readonly bus: EventBus;
  readonly events: UpstreamEvents;
  readonly resources: ResourceSubscriptions;
  readonly acquire: (server: string, request: CallRequest) => Promise<ChannelLease>;
  /** How long a listener waits for upstreams that are slow to acknowledge, in milliseconds. */
  readonly settleTimeoutMs: number;
}

/** The open `subscriptions/listen` streams of modern clients. */
export class ClientListens {
  readonly #options: ClientListensOptions;
  readonly #open = new Set<ActiveCall>();

  constructor(options: ClientListensOptions) {
    this.#options = options;
  }

  /**
   * Opens the stream: the acknowledgement with what is honoured comes first, events after it.
   * @throws {BridgeError} INVALID_PARAMS when the filter is not one
   */
  async open(call: ActiveCall, view: View): Promise<void> {
    const { request } = call;
    const filter = filterOf(request);
    const offered = await this.#offered(request, view);
    const honoured = honouredPart(filter, offered);
    const stream = new ListenStream(call);
    this.#open.add(call);
    call.onEnd(() => this.#open.delete(call));

    const kinds = new Set(CHANGING_LISTS.filter((kind) => honoured[FLAG[kind]] === true));
    if (kinds.size > 0) {
      const unsubscribe = this.#options.bus.subscribe(view.name, {
        audience: { tenant: request.principal.tenant, principal: request.principal.id, session: '' },
        onListChanged: (kind) => {
          if (kinds.has(kind))
            stream.send(listenMessage(`notifications/${kind}/list_changed`, request.clientRequestId));
        },
      });
      call.onEnd(unsubscribe);
      await this.#settled(view);
    }
    const uris = await this.#subscribeAll(call, view, stream, honoured.resourceSubscriptions ?? []);
    const { resourceSubscriptions: _all, ...flags } = honoured;
    stream.acknowledge({ ...flags, ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }) });
  }

  /** Ends every stream in order: the router is going. */
  endAll(): void {
    for (const call of [...this.#open]) call.finish(listenResult(call.request.clientRequestId));
  }

  async #offered(request: CallRequest, view: View): Promise<Offered> {
    const discovered = await this.#options.catalog.discover(view, callerOf(request));
    // Made by our own catalog.
    return (JSON.parse(discovered.toString('utf8')) as { capabilities: Offered }).capabilities;
  }

  /** Gives the bridge's own streams a moment to open, so that no change after the acknowledgement is missed. */
  async #settled(view: View): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.settleTimeoutMs);
    });
    await Promise.race([
      Promise.all(view.servers.map((server) => this.#options.events.settled(server))),
      late,
    ]);
    clearTimeout(timer);
  }

  /** @returns the URIs that an upstream accepted */
  async #subscribeAll(
    call: ActiveCall,
    view: View,
    stream: ListenStream,
    uris: readonly string[],
  ): Promise<readonly string[]> {
    const accepted = await Promise.all(uris.map((uri) => this.#subscribe(call, view, stream, uri)));
    return uris.filter((_uri, index) => accepted[index]);
  }

  async #subscribe(call: ActiveCall, view: View, stream: ListenStream, uri: string): Promise<boolean> {
    const { request } = call;
    try {
      const server = await this.#options.catalog.resourceOwner(view, uri, callerOf(request));
      if (server === undefined || !view.allowsResource(uri, server)) return false;
      // A listener is never asked for input: its channel declares nothing, so that it can be shared.
      const { acquire, resources } = this.#options;
      const onUpdated = (updated: string): void => {
        const members = `"uri":${JSON.stringify(updated)}`;
        stream.send(listenMessage('notifications/resources/updated', request.clientRequestId, members));
      };
      const undo = await keepSubscribed(
        async (onLost) =>
          resources.subscribe(
            await acquire(server, { ...request, capabilities: '{}' }),
            ownerOf(request),
            uri,
            { onUpdated, onLost },
          ),
        () => onUpdated(uri),
      );
      call.onEnd(undo);
      return true;
    } catch (error) {
      // An upstream that refuses or is away is left out of the acknowledgement; the others are heard.
      if (error instanceof BridgeError) return false;
      throw error;
    }
  }
}

interface Offered {
  readonly tools?: { readonly listChanged?: boolean };
  readonly prompts?: { readonly listChanged?: boolean };
  readonly resources?: { readonly listChanged?: boolean; readonly subscribe?: boolean };
}

const FLAG = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const;

function filterOf(request: CallRequest): ListenFilter {
  // Validated as an object by the gateway.
  const { notifications } = JSON.parse(request.params.toString('utf8')) as { notifications?: unknown };
  if (typeof notifications !== 'object' || notifications === null) {
    throw new BridgeError('INVALID_PARAMS', 'subscriptions/listen needs params.notifications, an object');
  }
  const filter = notifications as ListenFilter;
  const uris: unknown = filter.resourceSubscriptions ?? [];
  if (!Array.isArray(uris) || uris.length > MAX_URIS || !uris.every((uri) => typeof uri === 'string')) {
    throw new BridgeError('INVALID_PARAMS', `resourceSubscriptions must be at most ${MAX_URIS} URIs`);
  }
  return filter;
}

function honouredPart(filter: ListenFilter, offered: Offered): ListenFilter {
  const flags = CHANGING_LISTS.filter(
    (kind) => filter[FLAG[kind]] === true && offered[kind]?.listChanged === true,
  );
  const uris = offered.resources?.subscribe === true ? (filter.resourceSubscriptions ?? []) : [];
  return {
    ...Object.fromEntries(flags.map((kind) => [FLAG[kind], true])),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: [...new Set(uris)] }),
  };
}

/** Keeps events back until the acknowledgement is out. */
class ListenStream {
  readonly #call: ActiveCall;
  #waiting: Buffer[] | undefined = [];

  constructor(call: ActiveCall) {
    this.#call = call;
  }

  send(message: Buffer): void {
    if (this.#waiting === undefined) this.#call.send(message);
    else this.#waiting.push(message);
  }

  acknowledge(honoured: ListenFilter): void {
    const members = `"notifications":${JSON.stringify(honoured)}`;
    this.#call.send(
      listenMessage('notifications/subscriptions/acknowledged', this.#call.request.clientRequestId, members),
    );
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const message of waiting) this.#call.send(message);
  }
}
