import { expect, test } from 'vitest';
import { parseH2loadLog, parseShellTimes } from './h2load-report.js';

test('a log of requests becomes percentiles and errors', () => {
  const lines = Array.from({ length: 100 }, (_, at) => `1795275179163765\t200\t${(at + 1) * 1000}`);
  const report = parseH2loadLog(`${[...lines, '1795275179163765\t503\t1000'].join('\n')}\n`);
  expect(report).toMatchObject({ requests: 101, errors: 1 });
  expect(report.latency.p50).toBeCloseTo(50, 0);
  expect(report.latency.p99).toBeCloseTo(99, 0);
});

test('the CPU time of h2load comes from the shell, and where it is missing the output is shown', () => {
  expect(parseShellTimes('finished\n0m0.000000s 0m0.000000s\n1m0.150000s 0m0.770000s\n')).toBeCloseTo(60_920);
  expect(() => parseShellTimes('sh: h2load: not found')).toThrow(
    'h2load did not report:\nsh: h2load: not found',
  );
});
