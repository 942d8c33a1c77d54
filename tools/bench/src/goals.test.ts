import { expect, test } from 'vitest';
import { goals, judge } from './goals.js';

test('judges by the direction of the goal, its own value included', () => {
  expect(judge('cachedList', 0.7).met).toBe(true);
  expect(judge('cachedList', 0.69).met).toBe(false);
  expect(judge('stdioCall', 0.1).met).toBe(true);
  expect(judge('stdioCall', 0.11).met).toBe(false);
});

test('a value that could not be measured meets no goal', () => {
  // The names are the keys of this very object.
  const names = Object.keys(goals) as (keyof typeof goals)[];
  expect(names.map((name) => judge(name, Number.NaN).met)).toEqual(names.map(() => false));
});

test('the result has what the JSON promises', () => {
  expect(judge('stdioCall', 0.05)).toMatchObject({
    id: 'P3',
    value: 0.05,
    goal: 0.1,
    met: true,
    unit: 'ratio',
  });
});
