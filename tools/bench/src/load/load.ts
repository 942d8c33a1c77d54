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
}

/** A load on one server. It keeps its connections and sessions from run to run. */
export interface Load extends AsyncDisposable {
  /** Id of the generator, where it lives through all runs: clients are measured by it. */
  readonly pid?: number;
  /** To be called right before each run; not part of what is measured. */
  prepare(): Promise<void>;
  /** Keeps every connection busy for this long. */
  run(durationMs: number): Promise<LoadSample>;
}

/** Share of one core from which on a single-threaded generator may be what limits the figure. */
const SATURATED = 0.9;

/** True when the generator, not the server, may have set the pace. */
export function isSaturated(sample: LoadSample): boolean {
  return sample.generatorCpuMs / sample.durationMs >= SATURATED;
}
