import type { LoadConnection } from './connection.js';
import type { RunRecord } from './run-record.js';

/**
 * Sends on every connection as soon as its last answer is there, for `durationMs`. A server that stalls is asked
 * less meanwhile: response times are those that its busy clients see, no measure of what a rate would meet.
 *
 * @returns one promise per connection, done when its last answer is there or it is lost
 */
export function closedLoop(
  connections: readonly LoadConnection[],
  durationMs: number,
  record: RunRecord,
): Promise<void>[] {
  const endsAt = record.startedAt + durationMs;
  return connections.map((connection) => {
    const { requestsPerSend = 1 } = connection;
    let sentAt = 0;
    let due = 0;
    const send = (): void => {
      due = requestsPerSend;
      sentAt = performance.now();
      connection.send();
    };
    return new Promise<void>((resolve) => {
      connection.onReply = (ok) => {
        const now = performance.now();
        record.answer(now, now - sentAt, ok);
        due -= 1;
        if (due > 0) return;
        if (now >= endsAt) return resolve();
        send();
      };
      connection.onClose = () => {
        record.lost();
        resolve();
      };
      send();
    });
  });
}
