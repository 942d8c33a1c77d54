import { expect, test } from 'vitest';
import { hottestFunctions } from './profile-text.js';

const node = (id: number, functionName: string, url = '', lineNumber = -1) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

test('adds up the time of a function over all its callers, and leaves out idle time', () => {
  const profile = {
    nodes: [
      node(1, 'scan', 'file:///somewhere/libs/protocol/dist/scan.js', 9),
      node(2, 'scan', 'file:///somewhere/libs/protocol/dist/scan.js', 9),
      node(3, '(idle)'),
      node(4, '(garbage collector)'),
    ],
    samples: [1, 3, 2, 4, 3],
    timeDeltas: [100, 5000, 200, 100, 9000],
  };
  expect(hottestFunctions(profile, 10).split('\n')).toEqual([
    ' 75.0 %  scan libs/protocol/dist/scan.js:10',
    ' 25.0 %  (garbage collector)',
  ]);
  expect(hottestFunctions(profile, 1).split('\n')).toHaveLength(1);
});
