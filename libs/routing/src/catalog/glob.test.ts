import { describe, expect, it } from 'vitest';
import { allowedBy, matchesGlob } from './glob.js';

describe('matchesGlob', () => {
  it.each([
    ['*', '', true],
    ['*', 'anything/at all', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbbcd', false],
    ['*__write_*', 'files__write_file', true],
    ['*__write_*', 'files__rewrite', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a.c', 'abc', false],
    ['**a*', 'bab', true],
    ['', '', true],
    ['', 'a', false],
    ['abc', 'ab', false],
    ['A*', 'abc', false],
  ])('%j against %j is %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  it('does not explode on patterns that ruin a backtracking regex', () => {
    const started = performance.now();
    expect(matchesGlob('*a'.repeat(30) + 'b', 'a'.repeat(5000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('allowedBy', () => {
  it('lets everything through without patterns', () => {
    expect(allowedBy({ deny: [] }, 'x')).toBe(true);
  });
  it('lets nothing through an empty allow list', () => {
    expect(allowedBy({ allow: [], deny: [] }, 'x')).toBe(false);
  });
  it('lets deny win over allow', () => {
    const globs = { allow: ['files__*'], deny: ['*__write_*'] };
    expect(allowedBy(globs, 'files__read_file')).toBe(true);
    expect(allowedBy(globs, 'files__write_file')).toBe(false);
    expect(allowedBy(globs, 'memory__read')).toBe(false);
  });
});
