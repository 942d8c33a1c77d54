import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { ChannelLease, UpstreamChannel } from '../upstream/channel.js';
import { startUpstreamListen } from './upstream-listen.js';

/** One subscriber to one resource. */
export interface ResourceSubscriber {
  onUpdated(uri: string): void;
  /** The channel is gone, and the subscription with it. */
  onLost(): void;
}

/** Limit for an upstream's answer to a subscription. */
const SUBSCRIBE_TIMEOUT_MS = 30_000;

interface Shared {
  readonly subscribers: Set<ResourceSubscriber>;
  /** Settles when the upstream answered `resources/subscribe`. */
  readonly subscribed: Promise<void>;
}

/**
 * Resource subscriptions, counted per channel and URI: the first subscriber subscribes upstream, the last one
 * unsubscribes (requirement 56).
 */
export class ResourceSubscriptions {
  readonly #shared = new WeakMap<UpstreamChannel, Map<string, Shared>>();
  readonly #subscribers = new WeakMap<UpstreamChannel, Set<ResourceSubscriber>>();

  /**
   * @param lease - kept until undo is called
   * @returns undo
   * @throws {BridgeError} what the upstream answered to the subscription
   */
  async subscribe(
    lease: ChannelLease,
    owner: string,
    uri: string,
    subscriber: ResourceSubscriber,
  ): Promise<() => void> {
    const { channel } = lease;
    const undo =
      channel.info.era === 'modern'
        ? await this.#listen(lease, owner, uri, subscriber)
        : await this.#subscribe(lease, owner, uri, subscriber);
    const all = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, all.add(subscriber));
    if (channel.closed) this.lost(channel);
    return () => {
      all.delete(subscriber);
      undo();
    };
  }

  /** Tells everybody who subscribed on a channel that it is gone. */
  lost(channel: UpstreamChannel): void {
    const subscribers = this.#subscribers.get(channel) ?? [];
    this.#subscribers.delete(channel);
    for (const subscriber of subscribers) subscriber.onLost();
  }

  async #subscribe(
    lease: ChannelLease,
    owner: string,
    uri: string,
    subscriber: ResourceSubscriber,
  ): Promise<() => void> {
    const { channel } = lease;
    const uris = this.#urisOf(channel);
    let entry = uris.get(uri);
    if (entry === undefined) {
      entry = { subscribers: new Set(), subscribed: send(channel, 'resources/subscribe', uri, owner) };
      uris.set(uri, entry);
    }
    entry.subscribers.add(subscriber);
    const undo = (): void => {
      lease.release();
      if (!entry.subscribers.delete(subscriber) || entry.subscribers.size > 0) return;
      uris.delete(uri);
      if (!channel.closed) send(channel, 'resources/unsubscribe', uri, owner).catch(() => undefined);
    };
    try {
      await entry.subscribed;
    } catch (error) {
      entry.subscribers.delete(subscriber);
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
    for (const subscriber of this.#shared.get(channel)?.get(uri)?.subscribers ?? [])
      subscriber.onUpdated(uri);
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
    subscriber: ResourceSubscriber,
  ): Promise<() => void> {
    const listen = startUpstreamListen(
      lease.channel,
      owner,
      { resourceSubscriptions: [uri] },
      (notification) => {
        if (notification.method === 'notifications/resources/updated')
          subscriber.onUpdated(notification.name ?? uri);
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
    const timer = setTimeout(() => {
      handle.cancel('timeout');
      reject(new BridgeError('DEADLINE_EXCEEDED', `No answer to ${method} in time`));
    }, SUBSCRIBE_TIMEOUT_MS);
    timer.unref();
    const handle = channel.request(
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
        onResult: () => {
          clearTimeout(timer);
          resolve();
        },
        onError: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      },
    );
  });
}
