import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTempFolder } from '@mcp-bridge/testkit';
import { parseOptions, USAGE, type Options, type RunPlan } from './options.js';
import { formatFindings, formatTable, isGood, type RunResult } from './report.js';
import { readRequirements, type ScenarioKind } from './requirements.js';
import { runInspector } from './run-inspector.js';
import { runSuite } from './run-suite.js';
import { ensureSuite, InstallError, type SuiteInstallation } from './suite-install.js';
import { readSuiteResults } from './suite-results.js';
import { startTarget, type Target } from './target.js';

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
  for (const [index, plan] of options.plans.entries()) {
    const { revision, topology, upstream, era } = plan;
    const name = [revision, topology, upstream, era].join('-');
    print(`[${index + 1}/${options.plans.length}] ${revision}, ${topology}, ${upstream} upstream, ${era}`);
    runs.push(await runOne(suite, plan, options, join(output, name)));
  }
  print(`\nconformance ${suite.version}; passed/total\n\n${formatTable(runs)}`);
  const findings = formatFindings(runs, options);
  if (findings !== '') print(`\n${findings}`);
  if (options.jsonFile !== undefined)
    writeFileSync(
      options.jsonFile,
      `${JSON.stringify({ suite: suite.version, node: process.version, runs }, null, 2)}\n`,
    );
  return runs.every((run) => isGood(run, options.scenario !== undefined)) ? 0 : EXIT_FAILED;
}

async function runOne(
  suite: SuiteInstallation,
  plan: RunPlan,
  options: Options,
  folder: string,
): Promise<RunResult> {
  const start = performance.now();
  const required = readRequirements(suite.requirements, plan.revision);
  const scenarios: ReadonlyMap<string, ScenarioKind> =
    options.scenario === undefined
      ? required
      : new Map([[options.scenario, required.get(options.scenario) ?? 'extension']]);
  let target: Target | undefined;
  let error: string | undefined;
  try {
    target = await startTarget(plan);
    let count = 0;
    await runSuite(suite, {
      url: target.url,
      revision: plan.revision,
      scenario: options.scenario,
      folder,
      timeoutMs: options.timeoutMs,
      onScenario: (name) => progress(`  ${(count += 1)}/${scenarios.size} ${name}`),
    });
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  progress('');
  const results = error === undefined ? readSuiteResults(folder, scenarios) : [];
  const failed = error !== undefined || results.some(({ kind, passed }) => kind === 'scored' && !passed);
  if (failed && options.verbose && target !== undefined) print(target.logs());
  const leftBehind = (await target?.stop()) ?? 0;
  const durationMs = performance.now() - start;
  return { plan, scenarios: results, durationMs, leftBehind, ...(error !== undefined && { error }) };
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
