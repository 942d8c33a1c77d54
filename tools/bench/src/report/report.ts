import type { GoalResult } from '../goals.js';
import type { Pace, ScenarioResult } from '../scenario.js';
import type { Environment } from './environment.js';

/** The JSON of a run: raw data of every sample, and every goal that was measured. */
export interface BenchReport {
  readonly environment: Environment;
  readonly pace: Pace;
  readonly goals: readonly ReportedGoal[];
  readonly scenarios: readonly ({ readonly name: string } & Omit<ScenarioResult, 'goals'>)[];
}

export type ReportedGoal = GoalResult & { readonly scenario: string };

export function createReport(
  environment: Environment,
  pace: Pace,
  results: ReadonlyMap<string, ScenarioResult>,
): BenchReport {
  return {
    environment,
    pace,
    goals: [...results].flatMap(([scenario, { goals }]) => goals.map((goal) => ({ ...goal, scenario }))),
    scenarios: [...results].map(([name, { comparison, ratios, series }]) => ({
      name,
      comparison,
      ratios,
      ...(series !== undefined && { series }),
    })),
  };
}

/** Ratios and goals by scenario and name, for the history. */
export function figuresOf({ scenarios, goals }: BenchReport): Record<string, number> {
  const ratios = scenarios.flatMap(({ name, ratios: own }) =>
    own.map(({ what, value }) => [`${name}: ${what}`, value] as const),
  );
  return Object.fromEntries([
    ...ratios,
    ...goals.map(({ id, what, value }) => [`${id}: ${what}`, value] as const),
  ]);
}
