import type { CounterChild, GaugeChild, Metrics } from '@mcp-bridge/metrics';

/** What is counted of one server's processes; without a registry, into nothing. */
export interface ProcessMeters {
  readonly running: GaugeChild;
  readonly restarts: CounterChild;
  readonly memoryLimitKills: CounterChild;
  readonly stderrDropped: CounterChild;
}

const NOTHING = { inc: () => undefined, dec: () => undefined, set: () => undefined };

export function createProcessMeters(server: string, metrics: Metrics | undefined): ProcessMeters {
  const labels = { server };
  return {
    running: metrics?.serverProcesses.labels(labels) ?? NOTHING,
    restarts: metrics?.serverRestarts.labels(labels) ?? NOTHING,
    memoryLimitKills: metrics?.serverMemoryLimitKills.labels(labels) ?? NOTHING,
    stderrDropped: metrics?.serverStderrDropped.labels(labels) ?? NOTHING,
  };
}
