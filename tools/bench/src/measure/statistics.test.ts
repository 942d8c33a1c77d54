import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, medianInterval, medianRatio, percentile, spread } from './statistics.js';

describe('median', () => {
  test('is the middle value, or the mean of the two in the middle, in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([8, 2, 4, 100])).toBe(6);
    expect(median([])).toBeNaN();
  });

  test('has as many values below as above, and leaves its input as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const before = [...values];
        const middle = median(values);
        expect(values).toEqual(before);
        const half = values.length / 2;
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(half);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(half);
      }),
    );
  });
});

describe('medianRatio', () => {
  test('cancels a machine that slows down from round to round', () => {
    // Always half as fast, while the machine itself loses a factor of ten.
    expect(medianRatio([500, 100, 50], [1000, 200, 100])).toBe(0.5);
  });

  test('is not moved by one spoilt round', () => {
    expect(medianRatio([50, 50, 1], [100, 100, 100])).toBe(0.5);
  });

  test('refuses runs that were not paired', () => {
    expect(() => medianRatio([1, 2], [1])).toThrow('interleave');
  });

  test('is no number when a round measured nothing', () => {
    expect(medianRatio([0], [0])).toBeNaN();
  });
});

test('spread is the largest distance from the median, relative to it', () => {
  expect(spread([90, 100, 120])).toBeCloseTo(0.2);
  expect(spread([7, 7])).toBe(0);
});

test('a percentile is a value that occurred', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(percentile(values, 99)).toBe(198);
  expect(percentile([7], 99)).toBe(7);
  expect(percentile([], 50)).toBeNaN();
});

describe('the interval of a median', () => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  test('has the ranks of the published tables', () => {
    // Conover's table for 95 %: rank 2 of 9, 4 of 15, 10 of 30.
    expect(medianInterval(upTo(9))).toEqual({ low: 2, high: 8 });
    expect(medianInterval(upTo(15))).toEqual({ low: 4, high: 12 });
    expect(medianInterval(upTo(30))).toEqual({ low: 10, high: 21 });
  });

  test('of few values is all that there is', () => {
    expect(medianInterval([3, 1, 2])).toEqual({ low: 1, high: 3 });
    expect(medianInterval([5])).toEqual({ low: 5, high: 5 });
  });

  test('holds the median of every sample', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 60 }), (values) => {
        const { low, high } = medianInterval(values);
        expect(low).toBeLessThanOrEqual(median(values));
        expect(high).toBeGreaterThanOrEqual(median(values));
      }),
    );
  });
});
