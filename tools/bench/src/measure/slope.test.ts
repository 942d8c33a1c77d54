import { expect, test } from 'vitest';
import { medianSlope } from './slope.js';

test('finds what grows, whatever single points do', () => {
  const line = Array.from({ length: 20 }, (_, at) => [at, 100 + at * 3] as const);
  expect(medianSlope(line)).toBeCloseTo(3);
  const spoilt = line.map(([at, value]) =>
    at % 7 === 3 ? ([at, value + 500] as const) : ([at, value] as const),
  );
  expect(medianSlope(spoilt)).toBeCloseTo(3, 0);
});

test('is zero of what stays, and no number of too little', () => {
  expect(
    medianSlope([
      [0, 5],
      [9, 5],
    ]),
  ).toBe(0);
  expect(medianSlope([[0, 5]])).toBeNaN();
});
