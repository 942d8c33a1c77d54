import { expect, test } from 'vitest';
import { createTimeline } from './timeline.js';

test('keeps answers by when they came, silence included', () => {
  const timeline = createTimeline(100);
  timeline.record(10, 1, true);
  timeline.record(99, 5, false);
  timeline.record(301, 2, true);
  expect(timeline.points()).toEqual([
    { atMs: 0, answered: 2, errors: 1, p99Ms: 5 },
    { atMs: 100, answered: 0, errors: 0, p99Ms: 0 },
    { atMs: 200, answered: 0, errors: 0, p99Ms: 0 },
    { atMs: 300, answered: 1, errors: 0, p99Ms: 2 },
  ]);
});
