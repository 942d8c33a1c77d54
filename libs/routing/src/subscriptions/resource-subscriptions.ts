import type { BridgeError, Envelope } from '@mcp-bridge/protocol';
import type { ChannelLease, UpstreamChannel } from '../upstream/channel.js';
import { startUpstreamListen } from './upstream-listen.js';

/** One subscriber to one resource. */
export type OnResourceUpdated = (uri: string) => void;

interface Shared {
  readonly subscribers: Set<OnResourceUpdated>;
  /** Settles when the upstream answered `resources/subscribe`. */
  readonly subscribed: Promise<void>;
}

/**
 * Resource subscriptions, counted per channel and URI: the first subscriber subscribes upstream, the last one
 * unsubscribes (requirement 56).
 */
export class ResourceSubscriptions {
  readonly #shared = new WeakMap<UpstreamChannel, Map<string, Shared>>();

  /**
   * @param lease - kept until undo is called
   * @returns undo
   * @throws {BridgeError} what the upstream answered to the subscription
   */
  async subscribe(
    lease: ChannelLease,
    owner: string,
    uri: string,
    onUpdated: OnResourceUpdated,
  ): Promise<() => void> {
    const { channel } = lease;
    if (channel.info.era === 'modern') return this.#listen(lease, owner, uri, onUpdated);
    const uris = this.#urisOf(channel);
    let entry = uris.get(uri);
    if (entry === undefined) {
      entry = { subscribers: new Set(), subscribed: send(channel, 'resources/subscribe', uri, owner) };
      uris.set(uri, entry);
    }
    entry.subscribers.add(onUpdated);
    const undo = (): void => {
      lease.release();
      if (!entry.subscribers.delete(onUpdated) || entry.subscribers.size > 0) return;
      uris.delete(uri);
      if (!channel.closed) send(channel, 'resources/unsubscribe', uri, owner).catch(() => undefined);
    };
    try {
      await entry.subscribed;
    } catch (error) {
      entry.subscribers.delete(onUpdated);
      if (entry.subscribers.size === 0) uris.delete(uri);
      lease.release();
      throw error;
    }
    return undo;
  }

  /** Hands a legacy upstream's update to those who subscribed on this channel. */
  dispatch(channel: UpstreamChannel, notification: Envelope): void {
    const uri = notification.name;
    if (uri === undefined) return;
    for (const onUpdated of this.#shared.get(channel)?.get(uri)?.subscribers ?? []) onUpdated(uri);
  }

  /** Subscribes again to everything on a channel whose upstream session is new. */
  restore(channel: UpstreamChannel, owner: string): void {
    for (const uri of this.#shared.get(channel)?.keys() ?? []) {
      // Refused now means not updated any more; the subscriber's other resources are unaffected.
      send(channel, 'resources/subscribe', uri, owner).catch(() => undefined);
    }
  }

  async #listen(
    lease: ChannelLease,
    owner: string,
    uri: string,
    onUpdated: OnResourceUpdated,
  ): Promise<() => void> {
    const listen = startUpstreamListen(
      lease.channel,
      owner,
      { resourceSubscriptions: [uri] },
      (notification) => {
        if (notification.method === 'notifications/resources/updated') onUpdated(notification.name ?? uri);
      },
    );
    await listen.settled;
    return () => {
      listen.stop();
      lease.release();
    };
  }

  #urisOf(channel: UpstreamChannel): Map<string, Shared> {
    let uris = this.#shared.get(channel);
    if (uris === undefined) this.#shared.set(channel, (uris = new Map()));
    return uris;
  }
}

function send(channel: UpstreamChannel, method: string, uri: string, owner: string): Promise<void> {
  return new Promise((resolve, reject: (error: BridgeError) => void) => {
    channel.request(
      {
        method,
        name: '',
        params: Buffer.from(JSON.stringify({ uri })),
        progressTokenStart: -1,
        progressTokenEnd: -1,
        protocolVersion: channel.info.protocolVersion,
        deadlineAt: 0,
        logLevel: '',
        owner,
      },
      {
        onNotification: () => undefined,
        onServerRequest: (_request, respond) =>
          respond('error', Buffer.from('{"code":-32601,"message":"Not now"}')),
        onResult: () => resolve(),
        onError: reject,
      },
    );
  });
}
