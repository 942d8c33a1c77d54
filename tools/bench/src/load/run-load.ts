import { setTimeout as delay } from 'node:timers/promises';
import { closedLoop } from './closed-loop.js';
import type { LoadConnection } from './connection.js';
import { constantRate } from './constant-rate.js';
import type { LoadSample, RunOptions } from './load.js';
import { startRunRecord } from './run-record.js';

/** How long answers that are still due at the end of a run are waited for. */
const STRAGGLER_MS = 5_000;

/**
 * Runs a load for `durationMs`, then waits for what is still due. Throughput counts answers up to the end of the
 * time; the times of all answers are in the histogram.
 */
export async function runLoad(
  connections: readonly LoadConnection[],
  durationMs: number,
  { ratePerSecond, timelineMs }: RunOptions = {},
): Promise<LoadSample> {
  const record = startRunRecord(durationMs, timelineMs);
  const ends =
    ratePerSecond === undefined
      ? closedLoop(connections, durationMs, record)
      : constantRate(connections, durationMs, ratePerSecond, record);
  let ended = 0;
  const all = Promise.all(ends.map((end) => end.then(() => (ended += 1))));
  const patience = new AbortController();
  await Promise.race([
    all,
    delay(durationMs + STRAGGLER_MS, undefined, { signal: patience.signal }).catch(() => {}),
  ]);
  patience.abort();
  return record.sample(ends.length - ended);
}
