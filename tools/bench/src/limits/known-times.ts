const SHORTEST_MS = 12;
const WIDTH_MS = 24;
/** Multiples of it fill the interval from 0 to 1 evenly, whichever stretch of them is taken. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The time that this share of all answers does not exceed, in milliseconds. Their mean is half of the longest. */
export function knownQuantile(share: number): number {
  return SHORTEST_MS + WIDTH_MS * share ** 3;
}

/** The time of the n-th answer. */
export function timeOf(n: number): number {
  return knownQuantile((n * GOLDEN) % 1);
}
