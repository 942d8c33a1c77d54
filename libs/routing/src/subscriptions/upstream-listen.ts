import type { Envelope } from '@mcp-bridge/protocol';
import { MODERN_VERSION } from '../adapt/era.js';
import type { UpstreamCall, UpstreamChannel } from '../upstream/channel.js';
import { ownMeta } from '../upstream/handshake.js';

/** Waits between attempts to open a stream again, in milliseconds. */
const RETRY_MS = [200, 1_000, 5_000, 30_000];

/** A filter of `subscriptions/listen` (2026-07-28 basic/patterns/subscriptions). */
export interface ListenFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: readonly string[];
}

export interface UpstreamListen {
  /** Settles when the upstream acknowledged, refused or was lost; never rejects. */
  readonly settled: Promise<void>;
  stop(): void;
}

/**
 * Keeps a `subscriptions/listen` stream open on a modern upstream for as long as the channel lives and nobody
 * stops it; a stream that ends is opened again, later and later.
 */
export function startUpstreamListen(
  channel: UpstreamChannel,
  owner: string,
  filter: ListenFilter,
  onNotification: (notification: Envelope) => void,
): UpstreamListen {
  const params = Buffer.from(JSON.stringify({ _meta: ownMeta(MODERN_VERSION), notifications: filter }));
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  let stopped = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let sent: UpstreamCall | undefined;

  const again = (): void => {
    settle();
    sent = undefined;
    if (stopped || channel.closed) return;
    timer = setTimeout(open, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    timer.unref();
    failures += 1;
  };
  const open = (): void => {
    if (stopped || channel.closed) return;
    sent = channel.request(
      {
        method: 'subscriptions/listen',
        name: '',
        params,
        progressTokenStart: -1,
        progressTokenEnd: -1,
        protocolVersion: MODERN_VERSION,
        deadlineAt: 0,
        logLevel: '',
        owner,
      },
      {
        onNotification: (notification) => {
          if (notification.method === 'notifications/subscriptions/acknowledged') {
            failures = 0;
            settle();
          } else {
            onNotification(notification);
          }
        },
        onServerRequest: (_request, respond) =>
          respond('error', Buffer.from('{"code":-32601,"message":"Not on this stream"}')),
        onResult: again,
        onError: again,
      },
    );
  };
  open();
  return {
    settled,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      sent?.cancel();
      settle();
    },
  };
}
