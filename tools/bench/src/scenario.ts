import type { GoalResult } from './goals.js';
import type { Comparison } from './measure/compare.js';

/** How long and how often is measured. */
export interface Pace {
  /** Samples of each subject, interleaved. */
  readonly rounds: number;
  readonly sampleMs: number;
  /** Unmeasured load on each subject before the first round. */
  readonly warmupMs: number;
  /** Measures only subjects whose names contain this. */
  readonly only?: string | undefined;
}

export interface ScenarioContext {
  readonly pace: Pace;
  /** Shown at once. */
  readonly progress: (line: string) => void;
  /** Where the bridge's processes leave CPU profiles; then the figures include the profiler. */
  readonly profileFolder: string | undefined;
  /** Fewer sizes and counts, besides the shorter pace. */
  readonly isQuick: boolean;
  /** Length of scenarios that run for long, where the command line sets one. */
  readonly longRunMs: number | undefined;
}

/** What a scenario found. */
export interface ScenarioResult {
  readonly comparison: Comparison;
  /** Figures worth a line of their own: ratios between subjects of the same run. */
  readonly ratios: readonly RatioResult[];
  readonly goals: readonly GoalResult[];
  /** What changes over a run, for the charts of the report. */
  readonly series?: readonly Series[];
}

export interface RatioResult {
  readonly what: string;
  readonly value: number;
  /** Of figures that are no ratio. */
  readonly unit?: string;
}

/** A figure over time. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** One thing to measure, by name on the command line. */
export interface Scenario {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  run(context: ScenarioContext): Promise<ScenarioResult>;
}
