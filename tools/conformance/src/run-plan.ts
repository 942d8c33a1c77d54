import { runClientScenarios } from './client-leg/run-client-scenarios.js';
import type { Options, RunPlan } from './options.js';
import type { RunResult } from './report.js';
import { readRequirements, type ScenarioKind } from './requirements.js';
import { runSuite } from './run-suite.js';
import type { SuiteInstallation } from './suite-install.js';
import { readSuiteResults } from './suite-results.js';
import { startTarget, type Target } from './target.js';

export interface RunOutput {
  /** Where the suite's results go. */
  readonly folder: string;
  readonly print: (text: string) => void;
  /** Shows where it is; `''` at the end. */
  readonly progress: (text: string) => void;
}

type Work = (plan: RunPlan, scenarios: readonly string[]) => Promise<void>;

/** Runs the suite as one plan says; what goes wrong is in the result. */
export async function runPlan(
  suite: SuiteInstallation,
  plan: RunPlan,
  options: Options,
  output: RunOutput,
): Promise<RunResult> {
  const start = performance.now();
  const { scenarios, notRun } = scenariosOf(suite, plan, options.scenario);
  const { folder, print, progress } = output;
  const { timeoutMs, verbose } = options;
  let count = 0;
  const onScenario = (name: string): void => progress(`${(count += 1)}/${scenarios.size} ${name}`);
  let target: Target | undefined;
  const work: Record<RunPlan['leg'], Work> = {
    async server({ revision }) {
      target = await startTarget(plan);
      const subject = { url: target.url };
      await runSuite(suite, { subject, revision, scenario: options.scenario, folder, timeoutMs, onScenario });
    },
    client: (_plan, names) =>
      runClientScenarios(suite, { plan, scenarios: names, folder, timeoutMs, onScenario }),
  };
  let error: string | undefined;
  try {
    await work[plan.leg](plan, [...scenarios.keys()]);
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  progress('');
  const results =
    error === undefined ? readSuiteResults(folder, scenarios, plan.leg === 'server' ? 'server-' : '') : [];
  const failed = error !== undefined || results.some(({ kind, passed }) => kind === 'scored' && !passed);
  if (failed && verbose && target !== undefined) print(target.logs());
  const leftBehind = (await target?.stop()) ?? 0;
  const durationMs = performance.now() - start;
  return {
    plan,
    scenarios: results,
    notRun,
    durationMs,
    leftBehind,
    ...(error !== undefined && { error }),
  };
}

function scenariosOf(
  suite: SuiteInstallation,
  plan: RunPlan,
  only: string | undefined,
): { readonly scenarios: ReadonlyMap<string, ScenarioKind>; readonly notRun: readonly string[] } {
  const required = readRequirements(suite.requirements, plan.revision, plan.leg);
  if (only !== undefined)
    return { scenarios: new Map([[only, required.get(only) ?? 'extension']]), notRun: [] };
  const isRun = ([name]: readonly [string, ScenarioKind]): boolean => !name.startsWith('auth/');
  return {
    scenarios: new Map([...required].filter(isRun)),
    notRun: [...required].filter((entry) => !isRun(entry)).map(([name]) => name),
  };
}
