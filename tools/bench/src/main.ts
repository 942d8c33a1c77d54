import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCheck } from './check/check.js';
import { helpText, parseOptions, type CheckChoice, type RunOptions } from './options.js';
import { readEnvironment, type Environment } from './report/environment.js';
import { appendHistory, historyEntry, loadHistory } from './report/history.js';
import { OnlyMeasured } from './measure/compare.js';
import { hottestFunctions, type CpuProfile } from './report/profile-text.js';
import { htmlReport } from './report/html/html-report.js';
import { createReport, figuresOf, type BenchReport } from './report/report.js';
import { goalLine, scenarioText } from './report/scenario-text.js';
import type { ScenarioResult } from './scenario.js';
import { scenarios } from './scenarios/registry.js';

/** Exit code for wrong arguments (`EX_USAGE` of sysexits.h). */
const EXIT_USAGE = 64;
/** Functions listed for each profile. */
const HOTTEST = 25;

async function main(args: readonly string[]): Promise<number> {
  let options;
  try {
    options = parseOptions(args, scenarios);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT_USAGE;
  }
  if (options.help) {
    process.stdout.write(helpText(scenarios));
    return 0;
  }
  const environment = readEnvironment(new Date());
  const { cpu, cores, node, loadAverage } = environment;
  process.stdout.write(`${cpu}, ${cores} cores, Node ${node}, load average ${loadAverage}\n`);
  if (options.check !== undefined) return await check(options.check, options, environment);
  const results = new Map<string, ScenarioResult>();
  for (const scenario of options.scenarios) {
    const progress = progressOf(scenario.name);
    const context = { ...options, progress, profileFolder: options.profile };
    const result = await scenario.run(context).catch(onlyMeasured);
    results.set(scenario.name, result);
    process.stdout.write(`\n${scenarioText(scenario.name, result)}\n\n`);
  }
  if (options.profile !== undefined) process.stdout.write(await profilesText(options.profile));
  const report = createReport(environment, options.pace, results);
  if (options.scenarios.length > 1 && report.goals.length > 0)
    process.stdout.write(`Goals\n${report.goals.map(goalLine).join('\n')}\n`);
  await keepHistory(options, environment, figuresOf(report));
  if (options.html !== undefined) await writeHtml(options.html, report, options.history);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  return 0;
}

/** What there is of a scenario that `--only` ended. */
function onlyMeasured(error: unknown): ScenarioResult {
  if (error instanceof OnlyMeasured) return { comparison: error.comparison, ratios: [], goals: [] };
  throw error;
}

async function check(
  choice: CheckChoice,
  options: Pick<RunOptions, 'pace' | 'history' | 'html' | 'json'>,
  environment: Environment,
): Promise<number> {
  const { pace, history, html, json } = options;
  const result = await runCheck({ ...choice, pace, progress: progressOf('check'), environment });
  process.stdout.write(`\n${result.text}\n`);
  const values = Object.entries(result.figures).map(([what, { value }]) => ({ what, value }));
  await keepHistory(options, environment, Object.fromEntries(values.map(({ what, value }) => [what, value])));
  const found: ScenarioResult = { comparison: result.comparison, ratios: values, goals: [] };
  const report = createReport(environment, pace, new Map([['check', found]]));
  if (html !== undefined) await writeHtml(html, report, history);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  return result.passed ? 0 : 1;
}

async function keepHistory(
  { history }: { readonly history: string | undefined },
  environment: Environment,
  figures: Readonly<Record<string, number>>,
): Promise<void> {
  if (history !== undefined) await appendHistory(history, historyEntry(environment, figures));
}

async function writeHtml(file: string, report: BenchReport, history: string | undefined): Promise<void> {
  const runs = history === undefined ? [] : await loadHistory(history);
  await writeFile(file, htmlReport(report, runs));
}

/** Lines appear at once, with the seconds since this call. */
function progressOf(name: string): (line: string) => void {
  const startedAt = performance.now();
  return (line) => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stdout.write(`[${name} ${seconds} s] ${line}\n`);
  };
}

/** The hottest functions of every profile in the folder. */
async function profilesText(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile')).sort();
  const texts = names.map(async (name) => {
    // Written by V8.
    const profile = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as CpuProfile;
    return `${name}\n${hottestFunctions(profile, HOTTEST)}\n\n`;
  });
  return (await Promise.all(texts)).join('');
}

// Everything that a scenario started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }),
);
