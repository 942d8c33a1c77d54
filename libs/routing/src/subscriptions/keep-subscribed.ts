/** Waits before a lost subscription is made again, in milliseconds; the last one repeats. */
const RETRY_MS = [100, 1_000, 5_000, 30_000];

/**
 * Makes a subscription, and makes it again whenever the channel that it was made on is lost, for as long as nobody
 * stops it (requirement 71: a server that was started again knows nothing of what it was asked before).
 *
 * @param open - subscribes; `onLost` is to be called when the subscription is gone
 * @param onRestored - it stands again, and what changed meanwhile was not heard
 * @returns stop, when the first attempt has succeeded
 * @throws what the first attempt failed with
 */
export async function keepSubscribed(
  open: (onLost: () => void) => Promise<() => void>,
  onRestored: () => void,
): Promise<() => void> {
  let stopped = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let undo: () => void = nothing;
  const onLost = (): void => {
    if (stopped) return;
    // The channel may live on, for calls that began on it.
    undo();
    undo = nothing;
    timer = setTimeout(() => void again(), RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    timer.unref();
    failures += 1;
  };
  const again = async (): Promise<void> => {
    try {
      const next = await open(onLost);
      if (stopped) {
        next();
        return;
      }
      undo = next;
      failures = 0;
      onRestored();
    } catch {
      onLost();
    }
  };
  undo = await open(onLost);
  return () => {
    stopped = true;
    clearTimeout(timer);
    undo();
  };
}

function nothing(): void {}
