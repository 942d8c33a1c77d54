import { once, type EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 5 000. */
  readonly timeoutMs?: number;
  /** Said in the error; default "the condition". */
  readonly what?: string;
}

/** First pause between two looks; doubles up to `MAX_PAUSE_MS`. */
const MIN_PAUSE_MS = 1;
const MAX_PAUSE_MS = 50;

/**
 * Looks until `probe` returns something truthy, and returns that. For states that send no event; with an event,
 * use `waitForEvent`.
 *
 * @throws {Error} when the time is over, with the last error of the probe as its cause
 */
export async function waitFor<Value>(
  probe: () => Value | Promise<Value>,
  { timeoutMs = 5_000, what = 'the condition' }: WaitOptions = {},
): Promise<NonNullable<Value>> {
  const deadline = performance.now() + timeoutMs;
  let pauseMs = MIN_PAUSE_MS;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline)
      throw new Error(`waited ${timeoutMs} ms for ${what}`, cause === undefined ? {} : { cause });
    await delay(pauseMs);
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
}

/**
 * Waits for one event and returns its arguments.
 *
 * @throws {Error} when the time is over; the emitter's `error` event is thrown as it is
 */
export async function waitForEvent(
  emitter: EventEmitter,
  name: string,
  { timeoutMs = 5_000 }: WaitOptions = {},
): Promise<unknown[]> {
  try {
    return await once(emitter, name, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError')
      throw new Error(`waited ${timeoutMs} ms for the event ${name}`, { cause: error });
    throw error;
  }
}
