import { expect, test } from 'vitest';
import { recoveryMs } from './recovery.js';

const points = (...tails: readonly number[]) =>
  tails.map((p99Ms, index) => ({ atMs: index * 100, answered: p99Ms < 0 ? 0 : 10, errors: 0, p99Ms }));

test('counts until three stretches in a row are well', () => {
  expect(recoveryMs(points(1, 1, 1), 2)).toBe(0);
  expect(recoveryMs(points(90, 40, 1, 30, 2, 2, 2, 1), 2)).toBe(400);
  expect(recoveryMs(points(90, 1, 1), 2)).toBe(Number.POSITIVE_INFINITY);
});

test('silence and wrong answers are no recovery', () => {
  expect(recoveryMs(points(1, 1, -1, 1, 1, 1), 2)).toBe(300);
  const wrong = points(1, 1, 1, 1, 1).map((point, index) => ({ ...point, errors: index === 1 ? 1 : 0 }));
  expect(recoveryMs(wrong, 2)).toBe(200);
});
