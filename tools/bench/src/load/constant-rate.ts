import type { LoadConnection } from './connection.js';
import type { RunRecord } from './run-record.js';

/** The shortest that Node's timers wait. Between two ticks replies drive the schedule too. */
const TICK_MS = 1;

/**
 * Sends requests when they are due, at equal distances, on whichever connection is free. A request that finds
 * none free waits for one, and its time counts from when it was due: a server that stalls is charged for all that
 * it kept waiting (coordinated omission, as Gil Tene's wrk2 corrects it). What the generator itself is late with
 * while a connection is free counts from the sending, and is reported as its lag.
 *
 * @returns one promise per connection, done when the time is over and its last answer is there, or it is lost
 */
export function constantRate(
  connections: readonly LoadConnection[],
  durationMs: number,
  ratePerSecond: number,
  record: RunRecord,
): Promise<void>[] {
  const intervalMs = 1000 / ratePerSecond;
  const total = Math.ceil(durationMs / intervalMs);
  const { startedAt } = record;
  // Requests are due in the middle of their intervals, so that the last one is not due at the very end.
  const dueAt = (index: number): number => startedAt + (index + 0.5) * intervalMs;
  /** The one that is free for longest comes first. */
  let free = connections.map((connection) => ({ connection, since: startedAt, from: 0, end: () => {} }));
  let head = 0;
  let sent = 0;
  let isOver = false;

  const pump = (now: number): void => {
    for (; sent < total && head < free.length && dueAt(sent) <= now; sent += 1) {
      const slot = free[head];
      if (slot === undefined) return;
      head += 1;
      const due = dueAt(sent);
      const wasFree = slot.since <= due;
      slot.from = wasFree ? now : due;
      record.lag(wasFree ? now - due : 0);
      slot.connection.send();
    }
    // Not after each request: moving the rest costs.
    if (head > 1024) {
      free = free.slice(head);
      head = 0;
    }
  };

  const all = free.map((slot) => {
    const { connection } = slot;
    return new Promise<void>((resolve) => {
      slot.end = resolve;
      connection.onReply = (ok) => {
        const now = performance.now();
        record.answer(now, now - slot.from, ok);
        if (isOver) return resolve();
        slot.since = now;
        free.push(slot);
        pump(now);
      };
      connection.onClose = () => {
        const at = free.indexOf(slot, head);
        if (at !== -1) free.splice(at, 1);
        else record.lost();
        resolve();
      };
    });
  });
  const ticks = setInterval(() => {
    const now = performance.now();
    if (now < startedAt + durationMs) return pump(now);
    clearInterval(ticks);
    isOver = true;
    for (; sent < total; sent += 1) record.unsent(now - dueAt(sent));
    for (const { end } of free.slice(head)) end();
  }, TICK_MS);
  return all;
}
