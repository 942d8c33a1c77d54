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

/** The value that `percent` of all do not exceed (nearest rank). `NaN` of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** What a confidence interval covers in `medianInterval`, at least. */
export const CONFIDENCE = 0.95;

/**
 * Where the median of the distribution behind the values lies, with at least 95 % confidence. It supposes no
 * distribution: the ends are order statistics, chosen by the binomial distribution (Conover, Practical
 * Nonparametric Statistics, 3.2). Fewer than six values cannot give that much and get their extremes.
 */
export function medianInterval(values: readonly number[]): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const { length } = sorted;
  // The chance that fewer than `rank` of all values lie below the median.
  let tail = 0.5 ** length;
  let term = tail;
  let rank = 0;
  while (tail <= (1 - CONFIDENCE) / 2 && rank < length / 2) {
    rank += 1;
    term *= (length - rank + 1) / rank;
    tail += term;
  }
  const low = Math.max(0, rank - 1);
  return { low: sorted[low] ?? Number.NaN, high: sorted[length - 1 - low] ?? Number.NaN };
}
