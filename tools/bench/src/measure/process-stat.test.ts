import { expect, test } from 'vitest';
import { parseProcessStat, readProcessStat } from './process-stat.js';

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
