import type { GoalResult } from '../goals.js';
import type { SubjectResult } from '../measure/compare.js';
import type { ScenarioResult } from '../scenario.js';
import { textTable } from './text-table.js';

const HEAD = [
  '',
  'req/s',
  '±',
  'CPU-µs/req',
  'p50 ms',
  'p95',
  'p99',
  'p99.9',
  'RSS MiB',
  'load gen',
  'errors',
];

/** The tables that are printed when a scenario is through. */
export function scenarioText(name: string, { comparison, ratios, goals }: ScenarioResult): string {
  const rows = comparison.subjects.flatMap(rowsOf);
  const parts = [rows.length === 0 ? name : `${name}\n\n${textTable([HEAD, ...rows])}`];
  if (comparison.subjects.some(({ summary }) => summary.isGeneratorSaturated))
    parts.push('* the load generator was at its limit: the server may be faster');
  if (ratios.length > 0)
    parts.push(
      ratios
        .map(({ what, value, unit }) => `${what}: ${short(value)}${unit === undefined ? '' : ` ${unit}`}`)
        .join('\n'),
    );
  if (goals.length > 0) parts.push(goals.map(goalLine).join('\n'));
  return parts.join('\n\n');
}

/** `P3 met    0.089 ≤ 0.1  …`. */
export function goalLine({ id, what, value, goal, direction, met }: GoalResult): string {
  const sign = direction === 'at least' ? '≥' : '≤';
  return `${id} ${met ? 'met' : 'NOT MET'}: ${short(value)} (goal ${sign} ${short(goal)}), ${what}`;
}

/** One row for the subject, and one for each process where there are several. */
function rowsOf({ name, summary }: SubjectResult): string[][] {
  const { latency, processes } = summary;
  const rss = processes.reduce((sum, each) => sum + (each.counted ? each.rssMiB : 0), 0);
  const rows = [
    [
      `${name}${summary.isGeneratorSaturated ? ' *' : ''}`,
      Math.round(summary.requestsPerSecond).toLocaleString('en'),
      `${(summary.spread * 100).toFixed(0)} %`,
      summary.cpuUsPerRequest.toFixed(1),
      ...[latency.p50, latency.p95, latency.p99, latency.p999].map((ms) => ms.toFixed(2)),
      rss.toFixed(0),
      `${(summary.generatorUse * 100).toFixed(0)} %`,
      String(summary.errors),
    ],
  ];
  if (processes.length < 2) return rows;
  const own = processes.map((each) => [
    `  ${each.name}${each.counted ? '' : ' (not counted)'}`,
    ...['', ''],
    each.cpuUsPerRequest.toFixed(1),
    ...['', '', '', ''],
    each.rssMiB.toFixed(0),
  ]);
  return [...rows, ...own];
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
