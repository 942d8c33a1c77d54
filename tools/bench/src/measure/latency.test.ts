import { expect, test } from 'vitest';
import { createLatencyRecorder, summarizeEncoded } from './latency.js';

test('keeps percentiles to three digits', () => {
  const recorder = createLatencyRecorder();
  for (let ms = 1; ms <= 1000; ms += 1) recorder.record(ms);
  const { p50, p95, p99, p999, max } = recorder.summary();
  expect(p50 / 500).toBeCloseTo(1, 2);
  expect(p95 / 950).toBeCloseTo(1, 2);
  expect(p99 / 990).toBeCloseTo(1, 2);
  expect(p999 / 999).toBeCloseTo(1, 2);
  expect(max / 1000).toBeCloseTo(1, 2);
});

test('the encoded form says the same', () => {
  const recorder = createLatencyRecorder();
  for (const ms of [0.02, 0.4, 3, 3, 700]) recorder.record(ms);
  expect(summarizeEncoded(recorder.encode())).toEqual(recorder.summary());
});

test('takes times beyond its range as its ends, and nothing as zero', () => {
  const recorder = createLatencyRecorder();
  expect(recorder.summary().p99).toBe(0);
  recorder.record(0);
  recorder.record(10 * 60_000);
  expect(recorder.summary().p50).toBe(0.001);
  expect(recorder.summary().max / 60_000).toBeCloseTo(1, 2);
});
