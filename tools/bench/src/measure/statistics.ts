/** The middle value; the mean of the two middle ones of an even count. `NaN` of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The median of the ratios of pairs that were measured one after the other. Drift of the machine between rounds
 * cancels out in each pair, which it would not in a ratio of medians.
 *
 * @throws {Error} when the runs were not paired
 */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  if (numerators.length !== denominators.length)
    throw new Error(
      `a ratio needs pairs, not ${numerators.length} values against ${denominators.length}: interleave the runs`,
    );
  return median(numerators.map((value, index) => value / (denominators[index] ?? Number.NaN)));
}

/** Largest distance of a value from the median, relative to the median: 0.1 is ±10 %. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return Math.max(...values.map((value) => Math.abs(value - middle))) / middle;
}
