import type { TimelinePoint } from '../load/load.js';
import { percentile } from './statistics.js';

/** Collects answers by the stretch of the run in which they came. */
export interface Timeline {
  record(atMs: number, latencyMs: number, ok: boolean): void;
  /** Stretches without an answer are there too, up to the last one with any. */
  points(): TimelinePoint[];
}

export function createTimeline(stretchMs: number): Timeline {
  const stretches: { latencies: number[]; errors: number }[] = [];
  return {
    record(atMs, latencyMs, ok) {
      const index = Math.floor(atMs / stretchMs);
      while (stretches.length <= index) stretches.push({ latencies: [], errors: 0 });
      const stretch = stretches[index];
      stretch?.latencies.push(latencyMs);
      if (!ok && stretch !== undefined) stretch.errors += 1;
    },
    points: () =>
      stretches.map(({ latencies, errors }, index) => ({
        atMs: index * stretchMs,
        answered: latencies.length,
        errors,
        p99Ms: latencies.length === 0 ? 0 : percentile(latencies, 99),
      })),
  };
}
