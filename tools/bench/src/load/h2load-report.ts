import { createLatencyRecorder, type LatencySummary } from '../measure/latency.js';

/** What h2load saw, from the log that it writes of each request. */
export interface H2loadReport {
  readonly requests: number;
  readonly errors: number;
  readonly latency: LatencySummary;
  /** HDR histogram of the response times. */
  readonly histogram: string;
}

/** Reads a log: a line for each request with its start, its status (-1 when it failed) and its microseconds. */
export function parseH2loadLog(log: string): H2loadReport {
  const recorder = createLatencyRecorder();
  let requests = 0;
  let errors = 0;
  for (const line of log.split('\n')) {
    if (line === '') continue;
    const [, status, microseconds] = line.split('\t').map(Number);
    requests += 1;
    if (status !== 200) errors += 1;
    recorder.record((microseconds ?? Number.NaN) / 1000);
  }
  return { requests, errors, latency: recorder.summary(), histogram: recorder.encode() };
}

/**
 * The CPU time of the children of a shell in milliseconds, from what `times` printed as its last line.
 *
 * @throws {Error} with the output, when there is none
 */
export function parseShellTimes(output: string): number {
  const match = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(output);
  if (match === null) throw new Error(`h2load did not report:\n${output}`);
  const [, ...parts] = match.map(Number);
  const [userMinutes = 0, userSeconds = 0, systemMinutes = 0, systemSeconds = 0] = parts;
  return (userMinutes + systemMinutes) * 60_000 + (userSeconds + systemSeconds) * 1000;
}
