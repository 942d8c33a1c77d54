import { describe, expect, test } from 'vitest';
import { parseWrkReport, wrkScript } from './wrk-script.js';

describe('the script', () => {
  test('carries any byte of a body and of a header', () => {
    const script = wrkScript({ headers: { 'x-quote': 'a"b' }, body: '{"text":"grü\\n"}' });
    expect(script).toContain('wrk.body = "{\\034text\\034:\\034gr\\195\\188\\092n\\034}"');
    expect(script).toContain('["x-quote"] = "a\\034b",');
  });

  test('lists the sessions that the requests take in turn', () => {
    expect(wrkScript({ headers: {}, body: '', sessions: ['a', 'b'] })).toContain(
      'local sessions = { "a", "b" }',
    );
  });
});

describe('the report', () => {
  test('is found behind what wrk prints itself', () => {
    const output = `Running 1s test\n  2 threads\nwrk-report 1000 3 2000000 500 900 1200 3000 9000 42\n`;
    expect(parseWrkReport(output)).toEqual({
      requests: 1000,
      errors: 3,
      durationMs: 2000,
      latency: { p50: 0.5, p95: 0.9, p99: 1.2, p999: 3, max: 9 },
      cpuTicks: 42,
    });
  });

  test.each(['', 'unable to connect to 127.0.0.1', 'wrk-report 1 2'])(
    'that is missing is shown: %j',
    (output) => {
      expect(() => parseWrkReport(output)).toThrow(`wrk did not report:\n${output}`);
    },
  );
});
