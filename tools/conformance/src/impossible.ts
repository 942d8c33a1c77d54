import { eraOf, type RunPlan } from './options.js';
import type { ScenarioResult } from './suite-results.js';

interface Impossible {
  readonly scenario: RegExp;
  /** The only checks that may fail; any other failure of the scenario counts. All of them when absent. */
  readonly checks?: readonly string[];
  readonly applies: (plan: RunPlan) => boolean;
  readonly reason: string;
}

const modernClientLegacyServer = (plan: RunPlan): boolean =>
  eraOf(plan.revision) === 'modern' && plan.era === 'legacy';

/** Scenarios that need something which one side of a pair does not have. */
const IMPOSSIBLE: readonly Impossible[] = [
  {
    scenario: /^tasks-/,
    applies: modernClientLegacyServer,
    reason: 'a server of before 2026-07-28 has no tasks extension',
  },
  {
    scenario: /^input-required-result-basic-elicitation$/,
    checks: ['sep-2322-elicitation-incomplete'],
    applies: modernClientLegacyServer,
    reason:
      'the suite wants the input request to be called "user_name"; a server of before 2026-07-28 numbers its requests ' +
      'and gives them no names. The other input scenarios take any name and pass',
  },
];

/** Why what failed in this scenario cannot pass for this pair; `undefined` when it can. */
export function impossibleReason(plan: RunPlan, { name, failures }: ScenarioResult): string | undefined {
  if (plan.topology === 'direct') return undefined;
  return IMPOSSIBLE.find(
    ({ scenario, checks, applies }) =>
      scenario.test(name) &&
      applies(plan) &&
      failures.every(({ check }) => checks === undefined || checks.includes(check)),
  )?.reason;
}
