import { type Metric, Registry, collectDefaultMetrics } from 'prom-client';
import {
  Counters,
  type CounterChild,
  type Family,
  Gauges,
  type GaugeFamily,
  type HistogramChild,
  Histograms,
} from './series.js';

/** How bytes arrive or leave: client transports, upstream transports and the gateway–router link. */
export type TransportLabel = 'http' | 'sse' | 'websocket' | 'tcp' | 'stdio' | 'link' | 'in-process';
export type DirectionLabel = 'in' | 'out';
export type OutcomeLabel = 'ok' | 'error' | 'cancelled';
/** Which part of the bridge saw it. */
export type ComponentLabel = 'edge' | 'link' | 'routing';

/** The part of a call that a client waits for, in seconds. */
const LATENCY_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** Calls in one batch. */
const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/**
 * Every metric of one process. Families are typed by their labels; hot paths resolve children once with
 * `labels(…)` and keep them. No label ever holds a session, user, URL or free text: methods go through
 * `methodLabel`, server names come from the configuration, error codes from the one error table.
 */
export interface Metrics {
  readonly requests: Family<
    { transport: TransportLabel; method: string; outcome: OutcomeLabel },
    CounterChild
  >;
  readonly requestDuration: Family<{ transport: TransportLabel; method: string }, HistogramChild>;
  readonly errors: Family<{ component: ComponentLabel; code: string }, CounterChild>;
  readonly timeouts: Family<{ component: ComponentLabel }, CounterChild>;
  readonly messages: Family<{ transport: TransportLabel; direction: DirectionLabel }, CounterChild>;
  readonly bytes: Family<{ transport: TransportLabel; direction: DirectionLabel }, CounterChild>;
  readonly connections: GaugeFamily<{ transport: TransportLabel }>;
  readonly connectionEstablishment: Family<{ transport: TransportLabel }, HistogramChild>;
  /** `reason` is one of a few fixed words such as `origin`, `auth`, `tls`, `refused`. */
  readonly connectionFailures: Family<{ transport: TransportLabel; reason: string }, CounterChild>;
  /** Time from sending a request to a configured server until its reply. */
  readonly backendResponseTime: Family<{ server: string }, HistogramChild>;
  /** Child processes of a stdio server, those that wait warm included. */
  readonly serverProcesses: GaugeFamily<{ server: string }>;
  /** Processes that took the place of one that had ended by itself. */
  readonly serverRestarts: Family<{ server: string }, CounterChild>;
  readonly serverMemoryLimitKills: Family<{ server: string }, CounterChild>;
  readonly serverStderrDropped: Family<{ server: string }, CounterChild>;
  /** State of each URL of a server, by its position in the configuration: 0 called, 1 tried out, 2 out. */
  readonly upstreamUrlState: GaugeFamily<{ server: string; url: string }>;
  /** `state` is what a URL's circuit breaker became: `open` or `closed`. */
  readonly upstreamBreakerChanges: Family<{ server: string; state: string }, CounterChild>;
  /** `outcome` is `alive` or `dead`. */
  readonly upstreamProbes: Family<{ server: string; outcome: string }, CounterChild>;
  /** `outcome` is `sent` or `over_budget`. */
  readonly upstreamRetries: Family<{ server: string; outcome: string }, CounterChild>;
  readonly queueDepth: GaugeFamily<{ queue: string }>;
  /** Definitions of tools, prompts and resources that a configured server changed. */
  readonly definitionChanges: Family<{ server: string }, CounterChild>;
  /** Tools of pinned servers that are blocked now. */
  readonly toolsBlocked: GaugeFamily<{ server: string }>;
  /** Calls that a tool with `handleBatch` was given at once. */
  readonly batchSize: Family<{ tool: string }, HistogramChild>;
  /** From a call's arrival until its batch was sent, one observation a call. */
  readonly batchWait: Family<{ tool: string }, HistogramChild>;
  /** Attempts to replace the configuration of the running process. */
  readonly configReloads: Family<{ outcome: 'applied' | 'refused' }, CounterChild>;
  /** Since when the configuration in force is in force, in Unix seconds. */
  readonly configLoaded: GaugeFamily<Record<string, never>>;
  /** Busy share of a pool's threads, 0 to 1. */
  readonly workerPoolUtilization: GaugeFamily<{ pool: string }>;
  /** Content type of `expose()`. */
  readonly contentType: string;
  /** Everything in the Prometheus text format. */
  expose(): Promise<string>;
}

export interface MetricsOptions {
  /** Also CPU, memory, file descriptors, garbage collection and event-loop lag of this process. Default true. */
  readonly processMetrics?: boolean;
}

/**
 * Makes the one registry of a process. Own nothing that needs closing; the process metrics observe
 * garbage collection until the process ends, so tests pass `processMetrics: false`.
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const add = <F extends { readonly name: string }>(family: F): F => {
    // The registry only calls `get()`, which our families have; its type names prom-client's own classes.
    registry.registerMetric(family as unknown as Metric);
    return family;
  };
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });

  return {
    requests: add(
      new Counters('mcp_requests_total', 'Requests answered', ['transport', 'method', 'outcome']),
    ),
    requestDuration: add(
      new Histograms(
        'mcp_request_duration_seconds',
        'Time from a whole request to its whole reply',
        ['transport', 'method'],
        LATENCY_BOUNDS,
      ),
    ),
    errors: add(new Counters('mcp_errors_total', 'Errors by code of the error table', ['component', 'code'])),
    timeouts: add(new Counters('mcp_timeouts_total', 'Calls that reached their deadline', ['component'])),
    messages: add(new Counters('mcp_messages_total', 'JSON-RPC messages', ['transport', 'direction'])),
    bytes: add(new Counters('mcp_bytes_total', 'Payload bytes', ['transport', 'direction'])),
    connections: add(new Gauges('mcp_connections', 'Open connections and streams', ['transport'])),
    connectionEstablishment: add(
      new Histograms(
        'mcp_connection_establishment_duration_seconds',
        'Time until a connection could carry messages',
        ['transport'],
        LATENCY_BOUNDS,
      ),
    ),
    connectionFailures: add(
      new Counters('mcp_connection_failures_total', 'Connections refused or failed', ['transport', 'reason']),
    ),
    serverProcesses: add(new Gauges('mcp_server_processes', 'Child processes of a stdio server', ['server'])),
    serverRestarts: add(
      new Counters('mcp_server_restarts_total', 'Processes that replaced one which ended by itself', [
        'server',
      ]),
    ),
    serverMemoryLimitKills: add(
      new Counters('mcp_server_memory_limit_kills_total', 'Processes ended for their memory', ['server']),
    ),
    serverStderrDropped: add(
      new Counters('mcp_server_stderr_dropped_bytes_total', 'Bytes of stderr that the log did not take', [
        'server',
      ]),
    ),
    backendResponseTime: add(
      new Histograms(
        'mcp_backend_response_time_seconds',
        'Time that a configured server took to reply',
        ['server'],
        LATENCY_BOUNDS,
      ),
    ),
    upstreamUrlState: add(
      new Gauges('mcp_upstream_url_state', 'URLs of a server: 0 called, 1 tried out, 2 out', [
        'server',
        'url',
      ]),
    ),
    upstreamBreakerChanges: add(
      new Counters('mcp_upstream_breaker_changes_total', 'URLs taken out, and back', ['server', 'state']),
    ),
    upstreamProbes: add(
      new Counters('mcp_upstream_probes_total', 'Health checks of URLs', ['server', 'outcome']),
    ),
    upstreamRetries: add(
      new Counters('mcp_upstream_retries_total', 'Calls over HTTP that could be repeated', [
        'server',
        'outcome',
      ]),
    ),
    queueDepth: add(new Gauges('mcp_queue_depth', 'Entries waiting in a queue', ['queue'])),
    definitionChanges: add(
      new Counters('mcp_definition_changes_total', 'Definitions that a configured server changed', [
        'server',
      ]),
    ),
    toolsBlocked: add(
      new Gauges('mcp_tools_blocked', 'Tools of pinned servers that are blocked for changed definitions', [
        'server',
      ]),
    ),
    batchSize: add(new Histograms('mcp_batch_size', 'Calls handled together', ['tool'], BATCH_BOUNDS)),
    batchWait: add(
      new Histograms(
        'mcp_batch_wait_seconds',
        'Time that a call waited for its batch to go',
        ['tool'],
        LATENCY_BOUNDS,
      ),
    ),
    configReloads: add(
      new Counters('mcp_config_reloads_total', 'Configurations applied or refused while running', [
        'outcome',
      ]),
    ),
    configLoaded: add(
      new Gauges(
        'mcp_config_last_success_timestamp_seconds',
        'Unix time when a configuration was last put in force',
        [],
      ),
    ),
    workerPoolUtilization: add(
      new Gauges('mcp_worker_pool_utilization', 'Busy share of the threads of a pool, 0 to 1', ['pool']),
    ),
    contentType: registry.contentType,
    expose: () => registry.metrics(),
  };
}
