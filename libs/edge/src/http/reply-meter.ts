import type { Metrics, RequestMeter } from '@mcp-bridge/metrics';
import type { GatewayParts } from './gateway-parts.js';
import type { ReplyHost } from './reply.js';

/** Counts what the replies of a gateway report, and knows when none is under way. */
export interface ReplyMeter {
  readonly host: Pick<ReplyHost, 'began' | 'finished' | 'wrote' | 'streamOpened' | 'streamClosed'>;
  readonly refused: GatewayParts['refused'];
  readonly received: GatewayParts['received'];
  /** One connection more or less. */
  connections(by: number): void;
  /** Resolves when no reply is under way, or after the time. */
  whenIdle(timeoutMs: number): Promise<void>;
}

export function createReplyMeter(requests: RequestMeter, metrics: Metrics): ReplyMeter {
  const bytesIn = metrics.bytes.labels({ transport: 'http', direction: 'in' });
  const bytesOut = metrics.bytes.labels({ transport: 'http', direction: 'out' });
  const messagesIn = metrics.messages.labels({ transport: 'http', direction: 'in' });
  const messagesOut = metrics.messages.labels({ transport: 'http', direction: 'out' });
  const connections = metrics.connections.labels({ transport: 'http' });
  const streams = metrics.connections.labels({ transport: 'sse' });
  let underWay = 0;
  let onIdle: (() => void) | undefined;
  return {
    host: {
      began() {
        underWay += 1;
      },
      finished(reply, outcome) {
        if (reply.counted) requests.done(reply.method, outcome, (performance.now() - reply.startedAt) / 1000);
        underWay -= 1;
        if (underWay === 0) onIdle?.();
      },
      wrote(bytes) {
        bytesOut.inc(bytes);
        messagesOut.inc();
      },
      streamOpened: () => streams.inc(),
      streamClosed: () => streams.dec(),
    },
    refused(reason) {
      metrics.connectionFailures.labels({ transport: 'http', reason }).inc();
    },
    received(bytes) {
      bytesIn.inc(bytes);
      messagesIn.inc();
    },
    connections(by) {
      connections.inc(by);
    },
    whenIdle(timeoutMs) {
      if (underWay === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
