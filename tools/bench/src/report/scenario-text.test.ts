import { expect, test } from 'vitest';
import { judge } from '../goals.js';
import { summarize, type Sample } from '../measure/compare.js';
import { scenarioText } from './scenario-text.js';
import { textTable } from './text-table.js';

const SAMPLE: Sample = {
  requests: 1000,
  requestsPerSecond: 1234.5,
  errors: 1,
  durationMs: 1000,
  latency: { p50: 0.5, p95: 1, p99: 2, p999: 3, max: 4 },
  generatorCpuMs: 950,
  isGeneratorSaturated: true,
  cpuUsPerRequest: 30,
  processes: [
    { name: 'gateway', counted: true, cpuMs: 10, rssMiB: 60 },
    { name: 'router', counted: true, cpuMs: 20, rssMiB: 70 },
    { name: 'upstream servers', counted: false, cpuMs: 5, rssMiB: 40 },
  ],
};

test('shows the subject, each of its processes, what the figures are to be doubted for, and the goals', () => {
  const text = scenarioText('stdio-cost', {
    comparison: { subjects: [{ name: 'bridge', samples: [SAMPLE], summary: summarize([SAMPLE]) }] },
    ratios: [{ what: 'CPU, bridge / peer', value: 0.08765 }],
    goals: [judge('stdioCall', 0.08765)],
  });
  const squeezed = text.replace(/ +/g, ' ');
  expect(squeezed).toContain('bridge * 1,235 0 % 30.0 0.50 1.00 2.00 3.00 130 95 % 1');
  expect(squeezed).toContain(' gateway 10.0 60');
  expect(squeezed).toContain(' upstream servers (not counted) 5.0 40');
  expect(text).toContain('generator was at its limit');
  expect(text).toContain('CPU, bridge / peer: 0.0877');
  expect(text).toContain('P3 met: 0.0877 (goal ≤ 0.1)');
});

test('a table aligns names to the left and figures to the right', () => {
  expect(
    textTable([
      ['', 'n'],
      ['a', '1'],
      ['long', '1000'],
    ]),
  ).toBe(['         n', '──────────', 'a        1', 'long  1000'].join('\n'));
});
