import { describe, expect, it } from 'vitest';
import { RestartPolicy } from './restart-policy.js';

describe('RestartPolicy', () => {
  function failing(times: number): { policy: RestartPolicy; at: { now: number } } {
    const at = { now: 0 };
    const policy = new RestartPolicy(() => at.now);
    for (let n = 0; n < times; n += 1) policy.failed();
    return { policy, at };
  }

  it('allows four failures', () => {
    expect(failing(4).policy.waitMs).toBe(0);
  });

  it('waits after the fifth, twice as long after each further one, at most 30 s', () => {
    const { policy, at } = failing(5);
    const waits = [policy.waitMs];
    for (let n = 0; n < 6; n += 1) {
      at.now += policy.waitMs;
      expect(policy.waitMs).toBe(0);
      policy.failed();
      waits.push(policy.waitMs);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('forgets failures that are long ago', () => {
    const { policy, at } = failing(4);
    at.now = 30_001;
    policy.failed();
    expect(policy.waitMs).toBe(0);
  });

  it('starts small again after a quiet time', () => {
    const { policy, at } = failing(8);
    expect(policy.waitMs).toBe(8_000);
    at.now = 40_000;
    expect(policy.isQuiet).toBe(true);
    for (let n = 0; n < 5; n += 1) policy.failed();
    expect(policy.waitMs).toBe(1_000);
  });
});
