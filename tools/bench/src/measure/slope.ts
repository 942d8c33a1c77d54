import { median } from './statistics.js';

/**
 * How much a figure grows per unit of time: the median of the slopes of all pairs of points (Theil and Sen). A few
 * points that are far off do not move it, as they would a least-squares line. `NaN` of fewer than two points.
 */
export function medianSlope(points: readonly (readonly [at: number, value: number])[]): number {
  const slopes: number[] = [];
  points.forEach(([from, first], index) => {
    for (const [to, last] of points.slice(index + 1)) slopes.push((last - first) / (to - from));
  });
  return median(slopes);
}
