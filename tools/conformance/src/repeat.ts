import { impossibleReason } from './impossible.js';
import type { RunResult } from './report.js';
import type { ScenarioResult } from './suite-results.js';

/** More failures than this in one run are no matter of time. */
const MAX_REPEATED = 3;

/**
 * The scored scenarios of a run to try a second time, alone: several give a reply less than a second, which a busy
 * machine needs to start a server's process.
 */
export function worthRepeating({ plan, scenarios }: RunResult): readonly string[] {
  const failed = scenarios.filter(
    (scenario) =>
      scenario.kind === 'scored' && !scenario.passed && impossibleReason(plan, scenario) === undefined,
  );
  return failed.length > MAX_REPEATED ? [] : failed.map(({ name }) => name);
}

/** The run with the second results in place of the first, which they keep. */
export function withSecondResults(run: RunResult, second: readonly ScenarioResult[]): RunResult {
  return {
    ...run,
    scenarios: run.scenarios.map((first) => {
      const again = second.find(({ name }) => name === first.name);
      return again === undefined ? first : { ...again, kind: first.kind, firstFailures: first.failures };
    }),
  };
}
