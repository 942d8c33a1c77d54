import { createLatencyRecorder } from '../measure/latency.js';
import { createTimeline } from '../measure/timeline.js';
import type { LoadSample } from './load.js';

/** Everything that one run sees, as it happens. */
export interface RunRecord {
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
  answer(now: number, latencyMs: number, ok: boolean): void;
  /** An answer that will not come, because its connection is lost. */
  lost(): void;
  /** What the generator sent later than it was due, by its own fault. */
  lag(lagMs: number): void;
  /** A request that was due and never went out, and how long it waited. */
  unsent(waitedMs: number): void;
  /** @param missing - connections whose answer did not come in time */
  sample(missing: number): LoadSample;
}

/** Starts the clocks of a run. */
export function startRunRecord(durationMs: number, timelineMs: number | undefined): RunRecord {
  const latency = createLatencyRecorder();
  const lags = createLatencyRecorder();
  const timeline = timelineMs === undefined ? undefined : createTimeline(timelineMs);
  const cpuBefore = process.cpuUsage();
  const loopBefore = performance.eventLoopUtilization();
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  let requests = 0;
  let inTime = 0;
  let errors = 0;
  let unsent = 0;
  let hasRate = false;
  return {
    startedAt,
    answer(now, latencyMs, ok) {
      latency.record(latencyMs);
      requests += 1;
      if (!ok) errors += 1;
      if (now < endsAt) inTime += 1;
      timeline?.record(now - startedAt, latencyMs, ok);
    },
    lost: () => void (errors += 1),
    lag(lagMs) {
      hasRate = true;
      lags.record(lagMs);
    },
    unsent(waitedMs) {
      hasRate = true;
      unsent += 1;
      latency.record(waitedMs);
    },
    sample(missing) {
      const { user, system } = process.cpuUsage(cpuBefore);
      return {
        requests,
        requestsPerSecond: (inTime * 1000) / durationMs,
        errors: errors + missing,
        durationMs,
        latency: latency.summary(),
        histogram: latency.encode(),
        generatorCpuMs: (user + system) / 1000,
        generatorBusy: performance.eventLoopUtilization(loopBefore).utilization,
        ...(hasRate && { generatorLagMs: lags.summary().p99, unsent }),
        ...(timeline !== undefined && { timeline: timeline.points() }),
      };
    },
  };
}
