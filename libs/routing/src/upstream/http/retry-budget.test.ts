import { expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.js';

it('grants one retry for ten calls, from the first call on', () => {
  const budget = new RetryBudget();
  let retries = 0;
  for (let calls = 1; calls <= 1_000; calls += 1) {
    budget.called();
    if (budget.take()) retries += 1;
    expect(retries).toBeLessThanOrEqual(calls / 10);
  }
  expect(retries).toBe(100);
});

it('saves ten retries at most', () => {
  const budget = new RetryBudget();
  for (let calls = 0; calls < 10_000; calls += 1) budget.called();
  const granted = Array.from({ length: 20 }, () => budget.take());
  expect(granted.filter(Boolean)).toHaveLength(10);
});
