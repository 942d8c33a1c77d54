import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { helpText, parseOptions } from './options.js';
import { readEnvironment } from './report/environment.js';
import { hottestFunctions, type CpuProfile } from './report/profile-text.js';
import { createReport } from './report/report.js';
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
  const results = new Map<string, ScenarioResult>();
  for (const scenario of options.scenarios) {
    const startedAt = performance.now();
    const progress = (line: string): void => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
      process.stdout.write(`[${scenario.name} ${seconds} s] ${line}\n`);
    };
    const result = await scenario.run({
      pace: options.pace,
      progress,
      profileFolder: options.profile,
      isQuick: options.isQuick,
      longRunMs: options.longRunMs,
    });
    results.set(scenario.name, result);
    process.stdout.write(`\n${scenarioText(scenario.name, result)}\n\n`);
  }
  if (options.profile !== undefined) process.stdout.write(await profilesText(options.profile));
  const report = createReport(environment, options.pace, results);
  if (options.scenarios.length > 1 && report.goals.length > 0)
    process.stdout.write(`Goals\n${report.goals.map(goalLine).join('\n')}\n`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  return 0;
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
