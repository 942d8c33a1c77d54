import { describe, expect, it } from 'vitest';
import { Random } from './random.js';

const first = (seed: number, step: number): number[] => {
  const random = new Random(seed, step);
  return Array.from({ length: 8 }, () => random.next());
};

describe('Random', () => {
  it('repeats itself for the same seed and step, and for no other', () => {
    expect(first(7, 3)).toEqual(first(7, 3));
    const others = [first(7, 4), first(8, 3), first(3, 7), first(7 + 2 ** 32, 3), first(7, 3 + 2 ** 32)];
    expect(new Set([first(7, 3), ...others].map(String)).size).toBe(6);
  });

  it('takes every item of a list about equally often', () => {
    const random = new Random(1);
    const counts = [0, 0, 0, 0, 0];
    for (let round = 0; round < 10_000; round += 1) counts[random.below(5)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(1_800);
    expect(Math.max(...counts)).toBeLessThan(2_200);
  });

  it('stays between its bounds, both of them included', () => {
    const random = new Random(2);
    const seen = new Set(Array.from({ length: 200 }, () => random.between(-1, 2)));
    expect([...seen].sort()).toEqual([-1, 0, 1, 2]);
  });
});
