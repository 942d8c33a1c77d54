import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeadline, createDeadlineWheel } from './deadline-wheel.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('expires at the deadline or at most two ticks later, never before, near or far', () => {
  const wheel = createDeadlineWheel({ tickMs: 40 });
  const start = performance.now();
  const late = new Map<number, number>();
  const limits = [1, 39, 40, 41, 100, 999, 20_479, 20_480, 20_481, 50_000, 123_456];
  for (const limit of limits) {
    wheel.add(
      createDeadline(() => late.set(limit, performance.now() - start - limit)),
      start + limit,
    );
  }
  vi.advanceTimersByTime(130_000);
  expect([...late.keys()]).toEqual(limits);
  for (const by of late.values()) {
    expect(by).toBeGreaterThanOrEqual(0);
    expect(by).toBeLessThanOrEqual(80);
  }
});

test('what was removed never expires, and a moved entry expires once, at its new time', () => {
  const wheel = createDeadlineWheel({ tickMs: 10 });
  const start = performance.now();
  const expired: string[] = [];
  const removed = createDeadline(() => expired.push('removed'));
  const moved = createDeadline(() => expired.push('moved'));
  wheel.add(removed, start + 50);
  wheel.add(moved, start + 50);
  wheel.add(moved, start + 200);
  wheel.remove(removed);
  wheel.remove(removed);
  expect(wheel.size).toBe(1);
  vi.advanceTimersByTime(150);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(expired).toEqual(['moved']);
  expect(wheel.size).toBe(0);
});

test('runs a timer only while it is not empty', () => {
  const wheel = createDeadlineWheel({ tickMs: 10 });
  expect(vi.getTimerCount()).toBe(0);
  const entry = createDeadline(() => {});
  wheel.add(entry, performance.now() + 1000);
  for (let at = 0; at < 100; at++) {
    wheel.add(
      createDeadline(() => {}),
      performance.now() + at,
    );
  }
  expect(vi.getTimerCount()).toBe(1);
  wheel.remove(entry);
  vi.advanceTimersByTime(200);
  expect(vi.getTimerCount()).toBe(0);
  let again = false;
  wheel.add(
    createDeadline(() => (again = true)),
    performance.now() + 10,
  );
  vi.advanceTimersByTime(40);
  expect(again).toBe(true);
});

test('an entry that expires may remove others that are due and add new ones', () => {
  const wheel = createDeadlineWheel({ tickMs: 10 });
  const start = performance.now();
  const expired: string[] = [];
  const victim = createDeadline(() => expired.push('victim'));
  wheel.add(
    createDeadline(() => {
      expired.push('first');
      wheel.remove(victim);
      wheel.add(
        createDeadline(() => expired.push('added')),
        performance.now() - 5,
      );
    }),
    start + 5,
  );
  wheel.add(victim, start + 5);
  vi.advanceTimersByTime(100);
  expect(expired).toEqual(['first', 'added']);
  expect(wheel.size).toBe(0);
});

test('after a stall of the event loop everything that is due expires at once', () => {
  let now = 0;
  const wheel = createDeadlineWheel({ tickMs: 10, now: () => now });
  let expired = 0;
  for (let at = 1; at <= 1000; at++) {
    wheel.add(
      createDeadline(() => expired++),
      at * 20,
    );
  }
  now = 10_000;
  vi.advanceTimersByTime(10);
  expect(expired).toBe(500);
});
