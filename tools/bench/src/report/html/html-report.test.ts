import { describe, expect, test } from 'vitest';
import { judge } from '../../goals.js';
import { summarize, type Sample } from '../../measure/compare.js';
import { readEnvironment } from '../environment.js';
import { historyEntry } from '../history.js';
import { createReport } from '../report.js';
import { barChart, lineChart } from './charts.js';
import { htmlReport } from './html-report.js';

const SAMPLE: Sample = {
  requests: 1000,
  requestsPerSecond: 1234,
  errors: 0,
  durationMs: 1000,
  latency: { p50: 0.5, p95: 1, p99: 2, p999: 3, max: 4 },
  generatorCpuMs: 500,
  isGeneratorSaturated: false,
  cpuUsPerRequest: 30,
  processes: [{ name: 'gateway', counted: true, cpuMs: 30, rssMiB: 60 }],
};

describe('the page', () => {
  const environment = readEnvironment(new Date(0));
  const report = createReport(
    environment,
    { rounds: 1, sampleMs: 1, warmupMs: 1 },
    new Map([
      [
        'stdio-cost',
        {
          comparison: {
            subjects: [{ name: 'bridge <b>&"', samples: [SAMPLE, SAMPLE], summary: summarize([SAMPLE]) }],
          },
          ratios: [{ what: 'CPU, bridge / peer', value: 0.08765 }],
          goals: [judge('stdioCall', 0.08765), judge('httpKept', 0.1)],
          series: [
            {
              name: 'memory',
              unit: 'MiB',
              points: [
                [0, 1],
                [1, 2],
              ] as const,
            },
          ],
        },
      ],
    ]),
  );
  const history = [1, 2].map((value) => historyEntry(environment, { 'some ratio': value }));
  const page = htmlReport(report, history);

  test('shows goals, tables, and a chart of each kind', () => {
    expect(page).toContain('P3: tools/call to a stdio server');
    expect(page).toContain('not met');
    for (const title of ['Throughput', 'Response times', 'Over time, MiB', 'Resident memory', 'some ratio'])
      expect(page, title).toContain(title);
  });

  test('asks the network for nothing, and runs nothing', () => {
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import|<script|https?:/);
  });

  test('takes names as text', () => {
    expect(page).not.toContain('<b>');
    expect(page).toContain('bridge &#60;b&#62;&#38;&#34;');
  });
});

describe('charts', () => {
  test('leave out what is no number, and are empty of nothing', () => {
    const points = [
      [0, 1],
      [1, Number.NaN],
      [2, Number.POSITIVE_INFINITY],
      [3, 4],
    ] as const;
    const chart = lineChart([{ name: 'a', points }], { title: 't', xLabel: 'x', yLabel: 'y' });
    expect(chart.match(/<circle/g)).toHaveLength(2);
    expect(chart).not.toMatch(/NaN|Infinity/);
    expect(lineChart([], { title: 't', xLabel: 'x', yLabel: 'y' })).toBe('');
    expect(barChart('t', 'u', [['a', Number.NaN]])).toBe('');
  });

  test('draw a single point, and equal ones', () => {
    const chart = lineChart([{ name: 'a', points: [[1, 0]] }], { title: 't', xLabel: 'x', yLabel: 'y' });
    expect(chart).not.toContain('NaN');
    expect(barChart('t', 'u', [['a', 0]])).not.toContain('NaN');
  });
});
