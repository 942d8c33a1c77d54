import { describe, expect, it } from 'vitest';
import { createTerminatedSessions } from './terminated-sessions.js';

function setup(maxEntries = 3) {
  const clock = { now: 0 };
  const terminated = createTerminatedSessions({ ttlMs: 100, maxEntries, now: () => clock.now });
  return { clock, terminated };
}

describe('terminated sessions', () => {
  it('are remembered for their time', () => {
    const { clock, terminated } = setup();
    expect(terminated.has('a')).toBe(false);
    terminated.add('a');
    clock.now = 99;
    expect(terminated.has('a')).toBe(true);
    clock.now = 100;
    expect(terminated.has('a')).toBe(false);
  });

  it('are forgotten oldest first when there are too many', () => {
    const { terminated } = setup();
    for (const session of ['a', 'b', 'c', 'd']) terminated.add(session);
    expect(['a', 'b', 'c', 'd'].map((session) => terminated.has(session))).toEqual([false, true, true, true]);
  });

  it('that end again are remembered anew, in one entry', () => {
    const { clock, terminated } = setup();
    for (const session of ['a', 'b', 'c']) terminated.add(session);
    clock.now = 50;
    terminated.add('a');
    expect(terminated.size).toBe(3);
    terminated.add('d');
    expect(['a', 'b', 'c', 'd'].map((session) => terminated.has(session))).toEqual([true, false, true, true]);
  });

  it('leave no entries behind once their time is over', () => {
    const { clock, terminated } = setup(1000);
    for (let n = 0; n < 500; n += 1) terminated.add(`s${n}`);
    clock.now = 200;
    terminated.add('last');
    expect(terminated.size).toBe(1);
  });
});
