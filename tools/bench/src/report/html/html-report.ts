import type { SubjectResult } from '../../measure/compare.js';
import type { BenchReport } from '../report.js';
import type { HistoryEntry } from '../history.js';
import { barChart, escapeHtml, lineChart, short, type ChartSeries } from './charts.js';

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0 }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #eee } th:first-child, td:first-child { text-align: left }
.met { color: #00684a } .missed { color: #b3261e; font-weight: 600 } .process { color: #666 }
figure { margin: 1rem 0 } svg { width: 100%; height: auto } svg text { font-size: 11px; fill: #333 } svg .title { font-size: 13px; font-weight: 600 }
.grid { stroke: #ddd } .legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: 13px }
.legend span { display: inline-block; width: .8em; height: .8em; margin-right: .35em }
details { margin: .5rem 0 }`;

/** Percentiles by what share of the answers is slower: the tail gets as much room as the rest. */
const PERCENTILES = [
  ['p50', 50],
  ['p95', 95],
  ['p99', 99],
  ['p999', 99.9],
] as const;

/** The report of a run as one page: no script, no network, no file besides. */
export function htmlReport(report: BenchReport, history: readonly HistoryEntry[]): string {
  const { environment, goals, scenarios } = report;
  const { cpu, cores, node, commit, isModified, startedAt, loadAverage } = environment;
  const about = `${cpu}, ${cores} cores, Node ${node}, commit ${commit.slice(0, 12)}${isModified ? ' with changes' : ''}, ${startedAt}, load average ${loadAverage}`;
  const parts = [
    `<h1>MCP Bridge benchmarks</h1><p>${escapeHtml(about)}</p>`,
    '<p>Compare ratios between machines and days, not absolute figures.</p>',
    goals.length === 0 ? '' : goalsTable(goals),
    ...scenarios.map(scenarioSection),
    historySection(history),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>MCP Bridge benchmarks</title><style>${STYLE}</style></head><body>${parts.join('\n')}</body></html>\n`;
}

function goalsTable(goals: BenchReport['goals']): string {
  const rows = goals.map(({ id, what, value, goal, direction, met, unit }) => [
    `${id}: ${what}`,
    short(value),
    `${direction === 'at least' ? '≥' : '≤'} ${short(goal)} ${unit === 'ratio' ? '' : unit}`,
    met ? '<span class="met">met</span>' : '<span class="missed">not met</span>',
  ]);
  return `<h2>Goals</h2>${table(['', 'value', 'goal', ''], rows)}`;
}

function scenarioSection(scenario: BenchReport['scenarios'][number]): string {
  const { name, comparison, ratios, series = [] } = scenario;
  const { subjects } = comparison;
  const units = [...new Set(series.map(({ unit }) => unit))];
  return [
    `<h2>${escapeHtml(name)}</h2>`,
    subjects.length === 0 ? '' : subjectsTable(subjects),
    ratios.length === 0
      ? ''
      : table(
          ['ratio or figure', ''],
          ratios.map(({ what, value, unit = '' }) => [
            escapeHtml(what),
            `${short(value)} ${escapeHtml(unit)}`,
          ]),
        ),
    barChart(
      'Throughput',
      'requests/s',
      bars(subjects, ({ summary }) => summary.requestsPerSecond),
    ),
    barChart(
      'CPU time',
      'µs per request',
      bars(subjects, ({ summary }) => summary.cpuUsPerRequest),
    ),
    percentileChart(subjects),
    ...units.map((unit) =>
      lineChart(
        series.filter((each) => each.unit === unit),
        { title: `Over time, ${unit}`, xLabel: 'seconds', yLabel: unit },
      ),
    ),
    memoryChart(subjects),
  ].join('\n');
}

function subjectsTable(subjects: readonly SubjectResult[]): string {
  const rows = subjects.flatMap(({ name, summary }) => [
    [
      escapeHtml(name + (summary.isGeneratorSaturated ? ' *' : '')),
      short(summary.requestsPerSecond),
      `${(summary.spread * 100).toFixed(0)} %`,
      summary.cpuUsPerRequest.toFixed(1),
      ...PERCENTILES.map(([percentile]) => summary.latency[percentile].toFixed(2)),
      `${(summary.generatorUse * 100).toFixed(0)} %`,
      String(summary.errors),
    ],
    ...summary.processes.map((each) => [
      `<span class="process">&nbsp; ${escapeHtml(each.name)}, ${each.rssMiB.toFixed(0)} MiB</span>`,
      ...['', ''],
      each.cpuUsPerRequest.toFixed(1),
      ...['', '', '', '', '', ''],
    ]),
  ]);
  const head = ['', 'req/s', '±', 'CPU-µs/req', 'p50 ms', 'p95', 'p99', 'p99.9', 'load generator', 'errors'];
  return table(head, rows);
}

function percentileChart(subjects: readonly SubjectResult[]): string {
  // 50 → 0.3, 99 → 2, 99.9 → 3: the number of nines.
  const nines = (percent: number): number => -Math.log10(1 - percent / 100);
  const series = subjects.map(({ name, summary }): ChartSeries => ({
    name,
    points: PERCENTILES.map(
      ([percentile, percent]) => [nines(percent), summary.latency[percentile]] as const,
    ),
  }));
  return lineChart(series, {
    title: 'Response times',
    xLabel: 'percentile',
    yLabel: 'ms',
    xText: (x) => `p${Number((100 * (1 - 10 ** -x)).toPrecision(3))}`,
    isLogarithmic: true,
  });
}

/** From sample to sample; a long run has more than a few. */
function memoryChart(subjects: readonly SubjectResult[]): string {
  const series = subjects.map(({ name, samples }): ChartSeries => ({
    name,
    points: samples.map(
      ({ processes }, index) =>
        [index + 1, processes.reduce((sum, each) => sum + (each.counted ? each.rssMiB : 0), 0)] as const,
    ),
  }));
  const options = { title: 'Resident memory at the end of each sample', xLabel: 'sample', yLabel: 'MiB' };
  return lineChart(
    series.filter(({ points }) => points.some(([, mib]) => mib > 0)),
    options,
  );
}

function historySection(history: readonly HistoryEntry[]): string {
  if (history.length < 2) return '';
  const names = [...new Set(history.flatMap(({ figures }) => Object.keys(figures)))];
  const label = (index: number): string => {
    const { at = '', commit = '' } = history[Math.round(index)] ?? {};
    return `${at.slice(0, 10)} ${commit.slice(0, 7)}`;
  };
  const charts = names.map((name) =>
    lineChart(
      [
        {
          name,
          points: history.flatMap(({ figures }, index) => {
            const value = figures[name];
            return value === undefined ? [] : [[index, value] as const];
          }),
        },
      ],
      { title: name, xLabel: 'run', yLabel: '', xText: label },
    ),
  );
  return `<h2>History</h2><p>${history.length} runs.</p>${charts.join('\n')}`;
}

function bars(
  subjects: readonly SubjectResult[],
  figure: (subject: SubjectResult) => number,
): (readonly [string, number])[] {
  return subjects.map((subject) => [subject.name, figure(subject)] as const);
}

/** Cells are HTML. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}
