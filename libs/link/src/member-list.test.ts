import { describe, expect, it } from 'vitest';
import { MemberList } from './member-list.js';

describe('MemberList', () => {
  const members = (count: number): { place: number }[] =>
    Array.from({ length: count }, () => ({ place: -1 }));

  it('holds what was added and not removed, in whichever order that happens', () => {
    const list = new MemberList<{ place: number }>();
    const all = members(5);
    for (const member of all) list.add(member);
    const [first, second, , , last] = all;
    for (const gone of [second!, last!, first!]) expect(list.remove(gone)).toBe(true);
    expect(new Set(list.snapshot())).toEqual(new Set(all.slice(2, 4)));
    expect(list.size).toBe(2);
  });

  it('removes nothing twice', () => {
    const list = new MemberList<{ place: number }>();
    const [one, other] = members(2);
    list.add(one!);
    list.add(other!);
    list.remove(one!);
    expect(list.remove(one!)).toBe(false);
    expect(list.snapshot()).toEqual([other]);
  });

  it('takes a member in again', () => {
    const list = new MemberList<{ place: number }>();
    const [one] = members(1);
    list.add(one!);
    list.remove(one!);
    list.add(one!);
    expect(list.snapshot()).toEqual([one]);
  });
});
