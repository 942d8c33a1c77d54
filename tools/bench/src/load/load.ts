import type { LatencySummary } from '../measure/latency.js';

/** What a load generator saw during one run. */
export interface LoadSample {
  readonly requestsPerSecond: number;
  /** All that were answered, also after the end of the run; CPU time is divided by this. */
  readonly requests: number;
  /** Wrong, refused or missing answers; a sample with any of them proves nothing. */
  readonly errors: number;
  readonly durationMs: number;
  readonly latency: LatencySummary;
  /** HDR histogram of the response times, where the generator keeps one. */
  readonly histogram?: string;
  /** CPU time of the generator itself. */
  readonly generatorCpuMs: number;
  /** Share of the run in which the generator's event loop was not idle, where it has one. */
  readonly generatorBusy?: number;
  /** At a constant rate: how late the generator itself was with 99 % of its requests. */
  readonly generatorLagMs?: number;
  /** At a constant rate: requests that were due and had no connection to go out on before the end. */
  readonly unsent?: number;
  /** What happened when, where the run asked for it. */
  readonly timeline?: readonly TimelinePoint[];
}

/** What was answered in one stretch of a run. */
export interface TimelinePoint {
  /** Start of the stretch, from the start of the run. */
  readonly atMs: number;
  readonly answered: number;
  readonly errors: number;
  readonly p99Ms: number;
}

/** How a run sends; a closed loop unless there is a rate. */
export interface RunOptions {
  /** Requests of all connections together, due at equal distances whatever the server does. */
  readonly ratePerSecond?: number;
  /** Length of the stretches of the timeline; none without. */
  readonly timelineMs?: number;
}

/** A load on one server. It keeps its connections and sessions from run to run. */
export interface Load extends AsyncDisposable {
  /** Id of the generator, where it lives through all runs: clients are measured by it. */
  readonly pid?: number;
  /** To be called right before each run; not part of what is measured. */
  prepare(): Promise<void>;
  /**
   * Keeps every connection busy for this long, or sends at a rate.
   *
   * @throws {Error} when the generator cannot do what the options ask for
   */
  run(durationMs: number, options?: RunOptions): Promise<LoadSample>;
}

/** Share of one core from which on a single-threaded generator may be what limits the figure. */
const SATURATED_CPU = 0.9;
/** Share of the time: a generator that is kept from its core is busy all the time with less CPU time. */
const SATURATED_BUSY = 0.95;

/** How much of what it can do the generator did, from 0 to 1. */
export function generatorUse({ generatorCpuMs, durationMs, generatorBusy = 0 }: LoadSample): number {
  return Math.max(generatorCpuMs / durationMs, generatorBusy);
}

/** True when the generator, not the server, may have set the pace. */
export function isSaturated(sample: LoadSample): boolean {
  const { generatorCpuMs, durationMs, generatorBusy = 0 } = sample;
  return generatorCpuMs / durationMs >= SATURATED_CPU || generatorBusy >= SATURATED_BUSY;
}
