import { expect, test } from 'vitest';
import { cpuMsBetween, parseProcessStat, readCpu, readProcessStat } from './process-stat.js';

test('reads user and system time and resident memory, whatever the command is called', () => {
  const before = '4242 (node (a) b) S 1 4242 4242 0 -1 4194304 100 0 0 0';
  const text = `${before} 150 50 7 9 20 0 11 0 12345 700000000 1000 18446744073709551615 1 1`;
  expect(parseProcessStat(text, { ticksPerSecond: 100, pageBytes: 4096 })).toEqual({
    cpuMs: 2000,
    rssBytes: 4_096_000,
  });
});

test('agrees with what Node says of this process', () => {
  const { user, system } = process.cpuUsage();
  const stat = readProcessStat(process.pid);
  // One tick is 10 ms; the two are read one after the other.
  expect(Math.abs(stat!.cpuMs - (user + system) / 1000)).toBeLessThan(200);
  expect(stat!.rssBytes / process.memoryUsage.rss()).toBeGreaterThan(0.5);
  expect(stat!.rssBytes / process.memoryUsage.rss()).toBeLessThan(2);
});

test('finds nothing of a process that does not exist', () => {
  expect(readProcessStat(2 ** 22 + 1)).toBeUndefined();
});

test('measures CPU time between two readings more finely than in ticks', () => {
  const times = Array.from({ length: 20 }, () => {
    const before = readCpu(process.pid);
    const until = performance.now() + 3;
    while (performance.now() < until);
    return cpuMsBetween(before, readCpu(process.pid)!);
  });
  // In ticks of 10 ms nearly all of them would be nothing.
  expect(times.filter((ms) => ms > 1).length).toBeGreaterThan(15);
});

test('falls back to ticks where a thread is gone, whose time would be missing', () => {
  const before = {
    cpuMs: 100,
    threads: new Map([
      ['1', 50e6],
      ['2', 50e6],
    ]),
  };
  expect(cpuMsBetween(before, { cpuMs: 130, threads: new Map([['1', 55e6]]) })).toBe(30);
  const after = {
    cpuMs: 130,
    threads: new Map([
      ['1', 55e6],
      ['2', 51e6],
      ['3', 2e6],
    ]),
  };
  expect(cpuMsBetween(before, after)).toBe(8);
  expect(cpuMsBetween(undefined, { cpuMs: 30, threads: new Map() })).toBe(30);
});
