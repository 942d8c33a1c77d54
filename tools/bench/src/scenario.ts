import type { GoalResult } from './goals.js';
import type { Comparison } from './measure/compare.js';

/** How long and how often is measured. */
export interface Pace {
  /** Samples of each subject, interleaved. */
  readonly rounds: number;
  readonly sampleMs: number;
  /** Unmeasured load on each subject before the first round. */
  readonly warmupMs: number;
}

export interface ScenarioContext {
  readonly pace: Pace;
  /** Shown at once. */
  readonly progress: (line: string) => void;
  /** Where the bridge's processes leave CPU profiles; then the figures include the profiler. */
  readonly profileFolder: string | undefined;
}

/** What a scenario found. */
export interface ScenarioResult {
  readonly comparison: Comparison;
  /** Figures worth a line of their own: ratios between subjects of the same run. */
  readonly ratios: readonly RatioResult[];
  readonly goals: readonly GoalResult[];
}

export interface RatioResult {
  readonly what: string;
  readonly value: number;
}

/** One thing to measure, by name on the command line. */
export interface Scenario {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  run(context: ScenarioContext): Promise<ScenarioResult>;
}
