import { eraOf, type RunPlan } from './options.js';
import type { ScenarioResult } from './suite-results.js';

interface Impossible {
  readonly scenario: RegExp;
  readonly applies: (plan: RunPlan) => boolean;
  readonly reason: string;
}

/** Scenarios that need something which one side of a pair does not have. None of them is scored. */
const IMPOSSIBLE: readonly Impossible[] = [
  {
    scenario: /^tasks-/,
    applies: (plan) => eraOf(plan.revision) === 'modern' && plan.era === 'legacy',
    reason: 'a server of before 2026-07-28 has no tasks extension',
  },
];

/** Why this scenario cannot pass for this pair; `undefined` when it can, and for every scored scenario. */
export function impossibleReason(plan: RunPlan, { name, kind }: ScenarioResult): string | undefined {
  if (kind === 'scored' || plan.topology === 'direct') return undefined;
  return IMPOSSIBLE.find(({ scenario, applies }) => scenario.test(name) && applies(plan))?.reason;
}
