import { expect, test } from 'vitest';
import { CallTable } from './call-table.js';

const call = (id: number) => ({ id });

test('a call is found by its id until it is removed', () => {
  const table = new CallTable<{ id: number }>();
  const first = call(7);
  table.add(first);
  expect(table.get(7)).toBe(first);
  for (const id of [8, 23, 0, -1, 0.5, Number.NaN, 2 ** 40]) expect(table.has(id)).toBe(false);
  expect(table.remove(first)).toBe(true);
  expect(table.get(7)).toBeUndefined();
  expect(table.remove(first)).toBe(false);
  expect(table.size).toBe(0);
});

test('another call of the same id is not removed in its place', () => {
  const table = new CallTable<{ id: number }>();
  const here = call(7);
  table.add(here);
  expect(table.remove(call(7))).toBe(false);
  expect(table.get(7)).toBe(here);
});

test('ids that share a place are kept apart, whichever leaves first', () => {
  for (const order of [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 0],
    [0, 2, 1],
  ]) {
    const table = new CallTable<{ id: number }>();
    const calls = [call(3), call(3 + 1024), call(4)];
    for (const each of calls) table.add(each);
    const left = new Set(calls);
    for (const index of order) {
      const leaving = calls[index]!;
      expect(table.remove(leaving)).toBe(true);
      left.delete(leaving);
      for (const each of calls) expect(table.get(each.id)).toBe(left.has(each) ? each : undefined);
    }
  }
});

test('holds what a Map holds, through growth and any order of ids', () => {
  const table = new CallTable<{ id: number }>();
  const map = new Map<number, { id: number }>();
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let step = 0; step < 20_000; step += 1) {
    // Few places at the start, many collisions: the ids lie 64 apart as often as side by side.
    const id = random(2) === 0 ? random(300) : random(300) * 64;
    const known = map.get(id);
    expect(table.get(id)).toBe(known);
    if (known === undefined) {
      const added = call(id);
      table.add(added);
      map.set(id, added);
    } else {
      expect(table.remove(known)).toBe(true);
      map.delete(id);
    }
    expect(table.size).toBe(map.size);
  }
  expect(new Set(table.snapshot())).toEqual(new Set(map.values()));
});
