import type { TimelinePoint } from '../load/load.js';

/** As many stretches in a row must be well before it counts as recovered. */
const IN_A_ROW = 3;

/**
 * Milliseconds from the start of a timeline until answers come, come right, and come within `allowedMs` again, some
 * stretches in a row. `Infinity` when that does not happen.
 */
export function recoveryMs(timeline: readonly TimelinePoint[], allowedMs: number): number {
  let row = 0;
  for (const [index, { answered, errors, p99Ms }] of timeline.entries()) {
    row = answered > 0 && errors === 0 && p99Ms <= allowedMs ? row + 1 : 0;
    if (row === IN_A_ROW) return timeline[index - IN_A_ROW + 1]?.atMs ?? 0;
  }
  return Number.POSITIVE_INFINITY;
}
