import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTempFolder } from '@mcp-bridge/testkit';
import { missingPlans } from './impossible.js';
import { parseOptions, USAGE, type Options, type RunPlan } from './options.js';
import { withSecondResults, worthRepeating } from './repeat.js';
import { describePlan, formatFindings, formatTable, isGood, type RunResult } from './report.js';
import { readRequirements } from './requirements.js';
import { runInspector } from './run-inspector.js';
import { runPlan } from './run-plan.js';
import { ensureSuite, InstallError, type SuiteInstallation } from './suite-install.js';
import type { ScenarioResult } from './suite-results.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;
const EXIT_INTERRUPTED = 130;
/** Time between two lines of progress where the output is no terminal. */
const QUIET_MS = 5_000;
let lastProgressAt = performance.now();

// Everything that runs is in a process group which the test kit kills when this process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(EXIT_INTERRUPTED));
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    print(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options === 'help') {
    print(USAGE);
    return 0;
  }
  try {
    const suite = ensureSuite(print);
    return await (options.inspector ? inspectAll(suite, options) : runAll(suite, options));
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    print(error.message);
    return EXIT_UNAVAILABLE;
  }
}

async function inspectAll(suite: SuiteInstallation, { plans }: Options): Promise<number> {
  let good = true;
  for (const plan of plans) {
    print(`Inspector: ${plan.topology}, ${plan.upstream} upstream, ${plan.era}`);
    good = (await runInspector(suite, plan, print)) && good;
  }
  return good ? 0 : EXIT_FAILED;
}

async function runAll(suite: SuiteInstallation, options: Options): Promise<number> {
  await using temporary = await createTempFolder();
  const output = options.outputFolder ?? temporary.path;
  const runs: RunResult[] = [];
  const { plans, without } = plansWith(suite, options);
  const queue = plans.entries();
  const worker = async (): Promise<void> => {
    // All workers take from the same iterator.
    for (const [index, plan] of queue) {
      const mark = `[${index + 1}/${plans.length}]`;
      print(`${mark} ${describePlan(plan)}`);
      const folder = join(output, Object.values(plan).join('-'));
      const show = (text: string): void => progress(text === '' ? '' : `  ${mark} ${text}`);
      runs[index] = await runPlan(suite, plan, options, { folder, print, progress: show });
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
  if (options.scenario === undefined)
    for (const [index, run] of runs.entries())
      runs[index] = await repeated(suite, run, options, `${output}/repeated-${index}`);
  print(`\nconformance ${suite.version}; passed/total\n\n${formatTable(runs)}`);
  for (const missing of missingPlans(plans)) print(`– ${missing}`);
  for (const revision of without) print(`– ${revision} has no scenario ${options.scenario ?? ''}`);
  const findings = formatFindings(runs, options);
  if (findings !== '') print(`\n${findings}`);
  if (options.jsonFile !== undefined)
    writeFileSync(
      options.jsonFile,
      `${JSON.stringify({ suite: suite.version, node: process.version, runs }, null, 2)}\n`,
    );
  return runs.every((run) => isGood(run, options.scenario !== undefined)) ? 0 : EXIT_FAILED;
}

/** The plans, without those of revisions that lack the one scenario that was asked for while others have it. */
function plansWith(
  suite: SuiteInstallation,
  { plans, scenario }: Options,
): { readonly plans: readonly RunPlan[]; readonly without: ReadonlySet<string> } {
  const has = ({ revision, leg }: RunPlan): boolean =>
    scenario === undefined || readRequirements(suite.requirements, revision, leg).has(scenario);
  // Scenarios that no revision requires can be run by name all the same.
  if (!plans.some(has)) return { plans, without: new Set() };
  const lacking = plans.filter((plan) => !has(plan));
  return { plans: plans.filter(has), without: new Set(lacking.map(({ revision }) => revision)) };
}

async function repeated(
  suite: SuiteInstallation,
  run: RunResult,
  options: Options,
  folder: string,
): Promise<RunResult> {
  const second: ScenarioResult[] = [];
  for (const scenario of worthRepeating(run)) {
    print(`Repeating ${scenario} of ${describePlan(run.plan)}`);
    const alone = await runPlan(suite, run.plan, { ...options, scenario }, { folder, print, progress });
    second.push(...alone.scenarios);
  }
  return withSecondResults(run, second);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Rewrites one line of a terminal; elsewhere a line now and then shows that it goes on. */
function progress(text: string): void {
  if (process.stdout.isTTY) {
    process.stdout.write(`\r\u001b[K${text}`);
    return;
  }
  if (text === '' || performance.now() - lastProgressAt < QUIET_MS) return;
  lastProgressAt = performance.now();
  print(text);
}
