import { describe, expect, it } from 'vitest';
import { InFlight } from './in-flight.js';

interface Call {
  readonly id: number;
}

function enter(calls: InFlight<Call>): Call {
  const call = { id: calls.nextId() };
  calls.add(call);
  return call;
}

describe('InFlight', () => {
  it('finds every request by its id while it is there, and no other', () => {
    const calls = new InFlight<Call>();
    const all = Array.from({ length: 100 }, () => enter(calls));
    for (const call of all) expect(calls.get(call.id)).toBe(call);
    for (const call of all.slice(10, 90)) expect(calls.remove(call)).toBe(true);
    expect(new Set(calls.snapshot())).toEqual(new Set([...all.slice(0, 10), ...all.slice(90)]));
    expect(calls.size).toBe(20);
    expect(calls.get(all[50]!.id)).toBeUndefined();
    for (const id of [-1, 0, 10_000]) expect(calls.get(id)).toBeUndefined();
  });

  it('gives no id twice, and none whose place is taken by a request that stays', () => {
    const calls = new InFlight<Call>();
    const staying = [enter(calls), enter(calls), enter(calls)];
    let last = 3;
    for (let turn = 0; turn < 1_000; turn += 1) {
      const call = enter(calls);
      expect(call.id).toBeGreaterThan(last);
      last = call.id;
      calls.remove(call);
    }
    expect(new Set(calls.snapshot())).toEqual(new Set(staying));
  });

  it('removes nothing twice, and no request for another one in its place', () => {
    const calls = new InFlight<Call>();
    const first = enter(calls);
    calls.remove(first);
    while (enter(calls).id % 8 !== first.id) calls.snapshot().forEach((call) => calls.remove(call));
    expect(calls.remove(first)).toBe(false);
    expect(calls.size).toBe(1);
  });
});
