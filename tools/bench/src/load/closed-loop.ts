import { setTimeout as delay } from 'node:timers/promises';
import { createLatencyRecorder } from '../measure/latency.js';
import type { LoadConnection } from './connection.js';
import type { LoadSample } from './load.js';

/** How long answers that are still due at the end of a run are waited for. */
const STRAGGLER_MS = 5_000;

/**
 * Sends on every connection as soon as its last answer is there, for `durationMs`, then waits for what is still
 * due. Throughput counts answers up to the end of the time; the times of all answers are in the histogram.
 */
export async function runClosedLoop(
  connections: readonly LoadConnection[],
  durationMs: number,
): Promise<LoadSample> {
  const latency = createLatencyRecorder();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  let requests = 0;
  let inTime = 0;
  let errors = 0;

  const loops = connections.map((connection) => {
    let sentAt = 0;
    const send = (): void => {
      sentAt = performance.now();
      connection.send();
    };
    return new Promise<void>((resolve) => {
      connection.onReply = (ok) => {
        const now = performance.now();
        latency.record(now - sentAt);
        requests += 1;
        if (!ok) errors += 1;
        if (now >= endsAt) return resolve();
        inTime += 1;
        send();
      };
      connection.onClose = () => {
        errors += 1;
        resolve();
      };
      send();
    });
  });
  let answered = 0;
  const all = Promise.all(loops.map((loop) => loop.then(() => (answered += 1))));
  const patience = new AbortController();
  await Promise.race([
    all,
    delay(durationMs + STRAGGLER_MS, undefined, { signal: patience.signal }).catch(() => {}),
  ]);
  patience.abort();
  errors += connections.length - answered;

  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    requests,
    requestsPerSecond: (inTime * 1000) / durationMs,
    errors,
    durationMs,
    latency: latency.summary(),
    histogram: latency.encode(),
    generatorCpuMs: (user + system) / 1000,
  };
}
