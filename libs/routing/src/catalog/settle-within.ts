/** What became of a promise before the time was up. */
export type Settled<T> =
  | { readonly state: 'done'; readonly value: T }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'late' };

/**
 * Waits until all have settled or the time is up, whichever is first. Late ones go on by themselves; their
 * failures are not reported to anybody.
 */
export async function settleWithin<T>(
  promises: readonly Promise<T>[],
  timeoutMs: number,
): Promise<Settled<T>[]> {
  const results: Settled<T>[] = promises.map(() => ({ state: 'late' }));
  const all = Promise.all(
    promises.map(async (promise, index) => {
      try {
        results[index] = { state: 'done', value: await promise };
      } catch (error) {
        results[index] = { state: 'failed', error };
      }
    }),
  );
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, timeoutMs));
  });
  await Promise.race([all, timeUp]);
  clearTimeout(timer);
  return [...results];
}
