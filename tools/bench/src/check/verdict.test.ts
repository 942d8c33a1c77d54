import { describe, expect, test } from 'vitest';
import { figureOf, isOpen, judgeFigures, missingFigures } from './verdict.js';

const BASELINE = { call: 2 };
const verdictOf = (ratios: readonly number[]) => judgeFigures({ call: figureOf(ratios) }, BASELINE)[0]!;
/** Fifteen rounds around a value, each off by up to `noise`. */
const rounds = (value: number, noise: number): number[] =>
  Array.from({ length: 15 }, (_, round) => value * (1 + noise * ((round - 7) / 7)));

describe('a verdict', () => {
  test('finds a fifth more in rounds that are off by a tenth', () => {
    expect(verdictOf(rounds(2.4, 0.1))).toMatchObject({ kind: 'loss', before: 2 });
    expect(verdictOf(rounds(2.4, 0.1)).change).toBeCloseTo(0.2);
  });

  test('lets pass what is allowed, noise, and a few spoilt rounds', () => {
    expect(verdictOf(rounds(2.18, 0.02)).kind).toBe('same');
    expect(verdictOf(rounds(2, 0.4)).kind).toBe('same');
    expect(verdictOf([...rounds(2, 0.02).slice(4), 9, 9, 9, 9]).kind).toBe('same');
  });

  test('is not sure where the rounds leave nearly anything open', () => {
    expect(verdictOf([1.2, 1.5, 1.9, 2.3, 2.9, 3, 3.1]).kind).toBe('same');
  });

  test('tells a gain, so that the baseline can follow', () => {
    expect(verdictOf(rounds(1.6, 0.05)).kind).toBe('gain');
  });

  test('fails on what could not be measured', () => {
    expect(verdictOf([Number.NaN, Number.NaN]).kind).toBe('loss');
  });

  test('of something new is none', () => {
    expect(judgeFigures({ other: figureOf([1]) }, BASELINE)[0]).toMatchObject({ kind: 'new' });
    expect(missingFigures({ other: figureOf([1]) }, BASELINE)).toEqual(['call']);
  });
});

test('is open while the border of what is allowed lies in the interval', () => {
  expect(isOpen(verdictOf(rounds(2.2, 0.2)))).toBe(true);
  expect(isOpen(verdictOf(rounds(2, 0.02)))).toBe(false);
  expect(isOpen(verdictOf(rounds(2.6, 0.02)))).toBe(false);
});
