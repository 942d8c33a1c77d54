import { describe, expect, it } from 'vitest';
import { missingPlans } from './impossible.js';
import { parseOptions, type Options, type RunPlan } from './options.js';

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

  it('--matrix has all four pairs of eras over every transport, and the client scenarios for both eras', () => {
    const { plans } = parse('--matrix');
    const count = (matches: (plan: RunPlan) => boolean): number => plans.filter(matches).length;
    expect(count(({ leg, transport }) => leg === 'server' && transport === 'http')).toBe(16);
    for (const over of ['websocket', 'tcp', 'tcp-framed', 'tcp-msgpack'])
      expect(count(({ transport }) => transport === over)).toBe(4);
    expect(count(({ leg }) => leg === 'client')).toBe(4);
    // Only legacy clients speak HTTP+SSE.
    expect(count(({ transport }) => transport === 'sse')).toBe(2);
    expect(plans).toHaveLength(38);
  });

  it('says what --matrix has no row for', () => {
    expect(missingPlans(parse('--matrix').plans)).toHaveLength(2);
    expect(missingPlans(parse('--matrix', '--transport', 'tcp').plans)).toEqual([]);
  });

  it('narrows --matrix with the other flags', () => {
    expect(parse('--matrix', '--transport', 'websocket').plans).toHaveLength(4);
    expect(rows(parse('--matrix', '--transport', 'http', '--topology', 'two', '--upstream', 'http'))).toEqual(
      [
        '2025-11-25 two http legacy',
        '2025-11-25 two http modern',
        '2026-07-28 two http legacy',
        '2026-07-28 two http modern',
      ],
    );
  });

  it('--client runs the client scenarios with a client of each era in front', () => {
    const clients = (...args: string[]): string[] =>
      parse('--client', ...args).plans.map(({ leg, revision, era }) => `${leg} ${revision} ${era}`);
    expect(clients()).toEqual([
      'client 2025-11-25 legacy',
      'client 2025-11-25 modern',
      'client 2026-07-28 legacy',
      'client 2026-07-28 modern',
    ]);
    expect(clients('--direct')).toEqual(['client 2025-11-25 legacy', 'client 2026-07-28 modern']);
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
    ['--jobs', '0', '--jobs takes a number'],
    ['--transport', 'udp', '--transport takes http or sse or websocket or tcp or tcp-framed or tcp-msgpack'],
  ])('refuses %s %s', (flag, value, message) => {
    expect(() => parseOptions([flag, value])).toThrow(message);
  });

  it('refuses a transport where there is no bridge to take it, or no client in front', () => {
    expect(() => parseOptions(['--direct', '--transport', 'tcp'])).toThrow(/no bridge/);
    expect(() => parseOptions(['--matrix', '--direct'])).toThrow(/only in the bridge/);
    expect(() => parseOptions(['--client', '--transport', 'tcp'])).toThrow(/--client/);
  });

  it('refuses flags that it does not know', () => {
    expect(() => parseOptions(['--all'])).toThrow(/--all/);
  });
});
