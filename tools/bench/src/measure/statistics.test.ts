import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, medianRatio, spread } from './statistics.js';

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
