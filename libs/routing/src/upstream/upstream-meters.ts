import type { CounterChild, GaugeChild, HistogramChild, Metrics } from '@mcp-bridge/metrics';

/** What was received and could not be given to anybody. */
export type DropReason =
  | 'late_reply'
  | 'late_progress'
  | 'late_event'
  | 'unowned_log'
  | 'ambiguous_log'
  | 'server_request'
  | 'stray_line'
  | 'malformed';

/** The metric children of one server, resolved once; without a registry they count into nothing. */
export interface UpstreamMeters {
  readonly received: CounterChild;
  readonly sent: CounterChild;
  readonly connections: GaugeChild;
  readonly establishment: HistogramChild;
  readonly responseTime: HistogramChild;
  readonly drops: ReadonlyMap<DropReason, number>;
  dropped(reason: DropReason): void;
  /** A call over HTTP could be repeated, and was, or was not for lack of budget. */
  retried(outcome: 'sent' | 'over_budget'): void;
  /** A URL was taken out, or is back. */
  breaker(state: 'open' | 'closed'): void;
  probed(outcome: 'alive' | 'dead'): void;
  /** Shows the state of a URL: 0 called, 1 tried out, 2 out. */
  trackUrl(index: number, read: () => number): void;
  failed(reason: 'spawn' | 'handshake' | 'refused' | 'exit'): void;
}

const NOTHING = {
  inc: () => undefined,
  dec: () => undefined,
  set: () => undefined,
  observe: () => undefined,
};

export function createUpstreamMeters(
  server: string,
  transport: 'stdio' | 'http',
  metrics: Metrics | undefined,
): UpstreamMeters {
  const drops = new Map<DropReason, number>();
  return {
    received: metrics?.messages.labels({ transport, direction: 'in' }) ?? NOTHING,
    sent: metrics?.messages.labels({ transport, direction: 'out' }) ?? NOTHING,
    connections: metrics?.connections.labels({ transport }) ?? NOTHING,
    establishment: metrics?.connectionEstablishment.labels({ transport }) ?? NOTHING,
    responseTime: metrics?.backendResponseTime.labels({ server }) ?? NOTHING,
    drops,
    dropped: (reason) => drops.set(reason, (drops.get(reason) ?? 0) + 1),
    retried: (outcome) => metrics?.upstreamRetries.labels({ server, outcome }).inc(),
    breaker: (state) => metrics?.upstreamBreakerChanges.labels({ server, state }).inc(),
    probed: (outcome) => metrics?.upstreamProbes.labels({ server, outcome }).inc(),
    trackUrl: (index, read) => metrics?.upstreamUrlState.track({ server, url: String(index) }, read),
    failed: (reason) => metrics?.connectionFailures.labels({ transport, reason }).inc(),
  };
}
