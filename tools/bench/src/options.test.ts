import { expect, test } from 'vitest';
import { helpText, parseOptions } from './options.js';
import { scenarios } from './scenarios/registry.js';

test('takes scenarios in the given order, with a shorter pace for --quick', () => {
  const full = parseOptions(['stdio-cost', 'limits'], scenarios);
  const quick = parseOptions(['limits', '--quick', '--json', 'x.json'], scenarios);
  expect(full).toMatchObject({ help: false, json: undefined });
  expect('scenarios' in full && full.scenarios.map(({ name }) => name)).toEqual(['stdio-cost', 'limits']);
  expect(quick).toMatchObject({ json: 'x.json', pace: { rounds: 3, sampleMs: 2000 } });
});

test('rounds and seconds win over --quick', () => {
  const options = parseOptions(['limits', '--quick', '--rounds', '7', '--seconds', '1'], scenarios);
  expect(options).toMatchObject({ pace: { rounds: 7, sampleMs: 1000 } });
});

test('without a scenario there is help, which names all of them', () => {
  expect(parseOptions([], scenarios)).toEqual({ help: true });
  expect(parseOptions(['limits', '--help'], scenarios)).toEqual({ help: true });
  for (const { summary } of scenarios) expect(helpText(scenarios)).toContain(summary);
  expect(scenarios.length).toBeGreaterThan(3);
});

test.each([
  [['nothing'], 'no scenario "nothing"'],
  [['limits', '--rounds', '0'], '--rounds takes a whole number'],
  [['limits', '--seconds', '1.5'], '--seconds takes a whole number'],
  [['limits', '--fast'], '--fast'],
])('refuses %j', (args, message) => {
  expect(() => parseOptions(args, scenarios)).toThrow(message);
});

test('check runs alone, at its own pace', () => {
  const options = parseOptions(['check', '--quick', '--plant-us', '5'], scenarios);
  expect(options).toMatchObject({ scenarios: [], check: { update: false, plantUs: 5, against: undefined } });
  expect('pace' in options && options.pace.rounds).toBeGreaterThan(9);
  expect('check' in options && options.check?.baselineFile).toMatch(/tools\/bench\/baseline\.json$/);
  expect(parseOptions(['limits'], scenarios)).toMatchObject({ check: undefined });
  expect(() => parseOptions(['check', 'limits'], scenarios)).toThrow('check runs alone');
});

test('minutes are for long runs', () => {
  expect(parseOptions(['endurance', '--minutes', '30'], scenarios)).toMatchObject({ longRunMs: 1_800_000 });
  expect(parseOptions(['endurance'], scenarios)).toMatchObject({ longRunMs: undefined });
});
