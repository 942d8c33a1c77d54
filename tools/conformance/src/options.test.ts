import { describe, expect, it } from 'vitest';
import { parseOptions, type Options } from './options.js';

function parse(...args: string[]): Options {
  const options = parseOptions(args);
  if (options === 'help') throw new Error('not asked for help');
  return options;
}

const rows = (options: Options): string[] =>
  options.plans.map(({ revision, topology, upstream, era }) => `${revision} ${topology} ${upstream} ${era}`);

describe('parseOptions', () => {
  it('runs both revisions against an upstream of their own era, in every arrangement', () => {
    expect(rows(parse())).toEqual([
      '2025-11-25 one stdio legacy',
      '2025-11-25 one http legacy',
      '2025-11-25 two stdio legacy',
      '2025-11-25 two http legacy',
      '2026-07-28 one stdio modern',
      '2026-07-28 one http modern',
      '2026-07-28 two stdio modern',
      '2026-07-28 two http modern',
    ]);
  });

  it('--matrix has all four pairs of eras, and narrows with the other flags', () => {
    expect(parse('--matrix').plans).toHaveLength(16);
    expect(rows(parse('--matrix', '--topology', 'two', '--upstream', 'http'))).toEqual([
      '2025-11-25 two http legacy',
      '2025-11-25 two http modern',
      '2026-07-28 two http legacy',
      '2026-07-28 two http modern',
    ]);
  });

  it('--direct leaves out the bridge', () => {
    expect(rows(parse('--direct', '--era', 'both'))).toEqual([
      '2025-11-25 direct http both',
      '2026-07-28 direct http both',
    ]);
  });

  it('--inspector visits every arrangement once', () => {
    expect(rows(parse('--inspector', '--topology', 'one'))).toEqual([
      '2026-07-28 one stdio both',
      '2026-07-28 one http both',
    ]);
  });

  it.each([
    ['--only', '2024-11-05', '--only takes 2025-11-25 or 2026-07-28'],
    ['--topology', 'three', '--topology takes one or two'],
    ['--era', 'future', '--era takes legacy or modern or both or same'],
    ['--timeout', 'soon', '--timeout takes milliseconds'],
  ])('refuses %s %s', (flag, value, message) => {
    expect(() => parseOptions([flag, value])).toThrow(message);
  });

  it('refuses flags that it does not know', () => {
    expect(() => parseOptions(['--all'])).toThrow(/--all/);
  });
});
