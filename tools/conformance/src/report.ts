import { impossibleReason } from './impossible.js';
import type { RunPlan } from './options.js';
import type { ScenarioKind } from './requirements.js';
import type { Finding, ScenarioResult } from './suite-results.js';

/** One run of the suite and what came of it. */
export interface RunResult {
  readonly plan: RunPlan;
  readonly scenarios: readonly ScenarioResult[];
  /** Scenarios of the revision that are not run at all; `NOT_RUN` says why. */
  readonly notRun: readonly string[];
  readonly durationMs: number;
  /** Set when nothing could be run. */
  readonly error?: string;
  /** Processes that outlived the service which started them. */
  readonly leftBehind: number;
}

/**
 * True when every scored scenario passed that can exist for the pair, and nothing was left behind.
 * A single scenario of any kind counts.
 */
export function isGood(run: RunResult, single: boolean): boolean {
  return (
    run.error === undefined &&
    run.leftBehind === 0 &&
    run.scenarios.every(
      (scenario) =>
        scenario.passed ||
        (scenario.kind !== 'scored' && !single) ||
        impossibleReason(run.plan, scenario) !== undefined,
    )
  );
}

/** Why the scenarios in `notRun` are not run. */
const NOT_RUN = 'the bridge presents what its configuration says to upstreams; it is no OAuth client yet';

/** Checks that pass without the bridge, as `--direct` counted them. Some are conditional on others. */
const REACHABLE_CHECKS = {
  server: { '2025-11-25': 84, '2026-07-28': 196 },
  client: { '2025-11-25': 20, '2026-07-28': 66 },
} as const;

const HEADINGS = [
  'bridge as',
  'suite speaks',
  'over',
  'processes',
  'upstream',
  'other end',
  'scored',
  'extension',
  'other',
  'checks',
  'warnings',
  'seconds',
];

/** One run in words. */
export function describePlan({ leg, revision, transport, topology, upstream, era }: RunPlan): string {
  return leg === 'client'
    ? `client scenarios of ${revision}, ${era} client in front`
    : `${revision} over ${transport}, ${topology}, ${upstream} upstream, ${era}`;
}

/** The table, one row for each run. `n of m passed`; a dash where there is nothing to pass. */
export function formatTable(runs: readonly RunResult[]): string {
  const rows = [HEADINGS, ...runs.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What did not pass, run by run, with the reasons; and what cannot pass. `''` when there is nothing to tell. */
export function formatFindings(runs: readonly RunResult[], options: { readonly verbose: boolean }): string {
  return runs.flatMap((run) => findingsOf(run, options.verbose)).join('\n');
}

function rowOf({ plan, scenarios, durationMs, error }: RunResult): string[] {
  const checks = sum(scenarios, ({ checksPassed }) => checksPassed);
  const checked = checks + sum(scenarios, ({ checksFailed }) => checksFailed);
  return [
    plan.leg,
    plan.revision,
    plan.transport,
    plan.topology,
    plan.upstream,
    plan.era,
    error === undefined ? scoredOf(plan, scenarios) : 'did not run',
    passedOf(scenarios, ['extension']),
    passedOf(scenarios, ['pending', 'added-after-release']),
    `${checks}/${checked} of ${REACHABLE_CHECKS[plan.leg][plan.revision]}`,
    String(sum(scenarios, ({ warnings }) => warnings.length)),
    (durationMs / 1000).toFixed(1),
  ];
}

function findingsOf(run: RunResult, verbose: boolean): string[] {
  const { plan } = run;
  const title = `${describePlan(plan)}:`;
  const lines = run.scenarios.flatMap((scenario) => {
    const impossible = scenario.passed ? undefined : impossibleReason(plan, scenario);
    const mark = scenario.passed ? undefined : impossible === undefined ? '✗' : '–';
    return [
      ...(mark === undefined
        ? []
        : [`  ${mark} ${scenario.name} (${scenario.kind})${impossible ? `: ${impossible}` : ''}`]),
      ...(mark === '✗' ? scenario.failures.map((finding) => `      ${textOf(finding)}`) : []),
      ...(scenario.firstFailures === undefined
        ? []
        : [
            `  ↻ ${scenario.name} (${scenario.kind}): ${scenario.passed ? 'passed' : 'failed again'} when repeated alone; at first`,
            ...scenario.firstFailures.map((finding) => `      ${textOf(finding)}`),
          ]),
      ...(verbose ? scenario.warnings.map((finding) => `  ! ${scenario.name}: ${textOf(finding)}`) : []),
    ];
  });
  if (run.notRun.length > 0)
    lines.push(`  – ${run.notRun.length} scenarios of authorization not run: ${NOT_RUN}`);
  if (run.error !== undefined) lines.push(`  ✗ ${run.error}`);
  if (run.leftBehind > 0)
    lines.push(`  ✗ ${run.leftBehind} process(es) outlived the service that started them`);
  return lines.length === 0 ? [] : [title, ...lines];
}

function textOf({ check, message }: Finding): string {
  const line = message.replace(/\s+/g, ' ');
  return `${check}: ${line.length > 300 ? `${line.slice(0, 300)}…` : line}`;
}

function passedOf(scenarios: readonly ScenarioResult[], kinds: readonly ScenarioKind[]): string {
  const relevant = scenarios.filter(({ kind }) => kinds.includes(kind));
  if (relevant.length === 0) return '–';
  return `${relevant.filter(({ passed }) => passed).length}/${relevant.length}`;
}

function scoredOf(plan: RunPlan, scenarios: readonly ScenarioResult[]): string {
  const impossible = scenarios.filter(
    (scenario) =>
      scenario.kind === 'scored' && !scenario.passed && impossibleReason(plan, scenario) !== undefined,
  );
  const suffix = impossible.length === 0 ? '' : ` (${impossible.length} impossible)`;
  return `${passedOf(scenarios, ['scored'])}${suffix}`;
}

function sum<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
