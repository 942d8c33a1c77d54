import type { Envelope } from '@mcp-bridge/protocol';
import type { RespondToUpstream, UpstreamChannel } from '../upstream/channel.js';
import type { Audience, EventBus, ListKind } from './event-bus.js';
import { startUpstreamListen } from './upstream-listen.js';
import type { UpstreamListen } from './upstream-listen.js';

const LIST_CHANGED: Readonly<Record<string, ListKind>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
};

/** Where the unattributed messages of one client's channel go. */
export interface ChannelOwner {
  readonly audience: Audience;
  onMessage(notification: Envelope): void;
  onServerRequest(request: Envelope, respond: RespondToUpstream): void;
  /** The channel is gone. */
  onClosed(): void;
  /** The upstream session under the channel is new: log level and subscriptions have to be restored. */
  onReset(): void;
}

export interface UpstreamEventsOptions {
  readonly bus: EventBus;
  /** Drops cached lists before anybody hears of the change. */
  readonly invalidate: (server: string, kind: ListKind) => void;
  readonly onResourceUpdated: (channel: UpstreamChannel, notification: Envelope) => void;
  readonly onChannelLost: (channel: UpstreamChannel) => void;
  /** A server's shared channel was lost and there is one again, or its upstream session was made anew. */
  readonly onRenewed: (server: string) => void;
}

const REFUSED = Buffer.from('{"code":-32601,"message":"No client to ask belongs to this connection"}');

/** Hears what upstreams say outside any call, and brings it to those whom it concerns. */
export class UpstreamEvents {
  readonly #options: UpstreamEventsOptions;
  readonly #watched = new Map<string, Set<UpstreamChannel>>();
  /** Servers that have lost a shared channel, and have had no other since. */
  readonly #lost = new Set<string>();
  readonly #listens = new Map<string, { channel: UpstreamChannel; listen: UpstreamListen }>();

  constructor(options: UpstreamEventsOptions) {
    this.#options = options;
  }

  /** Listens to a server's shared channel; on modern upstreams through a stream that the bridge holds. */
  watchShared(server: string, channel: UpstreamChannel): void {
    this.#watch(server, channel, undefined);
    if (!channel.closed && this.#lost.delete(server)) this.#options.onRenewed(server);
    if (channel.info.era !== 'modern' || this.#listens.get(server)?.channel === channel) return;
    this.#listens.get(server)?.listen.stop();
    const listen = startUpstreamListen(
      channel,
      '',
      { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true },
      (notification) => this.handle(server, notification, undefined),
    );
    this.#listens.set(server, { channel, listen });
  }

  /**
   * Listens to a channel that serves one client only.
   * @param ownerOf - asked when it is heard of for the first time
   */
  watchOwned(server: string, channel: UpstreamChannel, ownerOf: () => ChannelOwner): void {
    this.#watch(server, channel, ownerOf);
  }

  /** Settles when the bridge's own stream on this server is open, or cannot be. */
  async settled(server: string): Promise<void> {
    await this.#listens.get(server)?.listen.settled;
  }

  /** Announces a list change that came with no owner, or on a call's own stream. */
  handle(server: string, notification: Envelope, audience: Audience | undefined): void {
    const kind = LIST_CHANGED[notification.method];
    if (kind !== undefined) this.listChanged(server, kind, audience);
  }

  /** A list is not what it was, however that came to be known. */
  listChanged(server: string, kind: ListKind, audience: Audience | undefined): void {
    this.#options.invalidate(server, kind);
    this.#options.bus.emit({ server, kind, audience });
  }

  /** Everybody leaves a server: whoever subscribed on one of its channels has to subscribe anew. */
  retire(server: string): void {
    this.#listens.get(server)?.listen.stop();
    this.#listens.delete(server);
    const channels = this.#watched.get(server) ?? [];
    this.#watched.delete(server);
    this.#lost.delete(server);
    for (const channel of channels) this.#options.onChannelLost(channel);
  }

  close(): void {
    for (const { listen } of this.#listens.values()) listen.stop();
    this.#listens.clear();
  }

  #watch(server: string, channel: UpstreamChannel, ownerOf: (() => ChannelOwner) | undefined): void {
    const watched = this.#watched.get(server) ?? new Set();
    if (watched.has(channel)) return;
    const owner = ownerOf?.();
    this.#watched.set(server, watched);
    if (!channel.closed) watched.add(channel);
    channel.listen({
      onNotification: (notification) => {
        if (notification.method in LIST_CHANGED) this.handle(server, notification, owner?.audience);
        else if (notification.method === 'notifications/resources/updated') {
          this.#options.onResourceUpdated(channel, notification);
        } else owner?.onMessage(notification);
      },
      onServerRequest: (request, respond) => {
        if (owner === undefined) respond('error', REFUSED);
        else owner.onServerRequest(request, respond);
      },
      onReset: () => {
        if (owner === undefined) this.#options.onRenewed(server);
        else owner.onReset();
      },
      onClosed: () => {
        // Not when everybody has left the server anyway.
        const isLoss = watched.delete(channel) && this.#watched.get(server) === watched;
        if (isLoss && owner === undefined) this.#lost.add(server);
        if (isLoss) owner?.onClosed();
        this.#options.onChannelLost(channel);
        const entry = this.#listens.get(server);
        if (entry?.channel !== channel) return;
        entry.listen.stop();
        this.#listens.delete(server);
      },
    });
  }
}
