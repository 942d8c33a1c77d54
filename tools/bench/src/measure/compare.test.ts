import { expect, test } from 'vitest';
import type { Load, LoadSample } from '../load/load.js';
import { compare, OnlyMeasured, ratio, type Subject } from './compare.js';

const PACE = { rounds: 3, sampleMs: 20, warmupMs: 10 };

test('measures in turn, prepares each run, and warms up what is slow for longer', async () => {
  const calls: string[] = [];
  const fast = subject('fast', calls, () => ({ requests: 5000 }));
  const slow = subject('slow', calls, () => ({ requests: 2500 }));
  const lines: string[] = [];
  await compare([fast, slow], PACE, (line) => lines.push(line));
  const warmUp = ['prepare fast', 'run fast 10', 'prepare slow', 'run slow 10', 'run slow 10'];
  const round = ['prepare fast', 'run fast 20', 'prepare slow', 'run slow 20'];
  expect(calls).toEqual([...warmUp, ...round, ...round, ...round]);
  expect(lines.at(-1)).toMatch(/^round 3\/3 · slow · /);
});

test('reports medians, and ratios by pairs', async () => {
  const rates = [1000, 100, 10];
  const drifting = (factor: number) => {
    let round = -1;
    return () => ({ requestsPerSecond: (rates[round++] ?? 0) * factor });
  };
  const comparison = await compare(
    [subject('half', [], drifting(0.5)), subject('whole', [], drifting(1))],
    PACE,
    () => {},
  );
  expect(comparison.subjects.map(({ summary }) => summary.requestsPerSecond)).toEqual([50, 100]);
  expect(ratio(comparison, 'requestsPerSecond', 'half', 'whole')).toBe(0.5);
  expect(() => ratio(comparison, 'requestsPerSecond', 'half', 'third')).toThrow('"third"');
});

test('measures only what is wanted, and ends its scenario with it', async () => {
  const calls: string[] = [];
  const subjects = ['one', 'two'].map((name) => subject(name, calls, () => ({ requests: 5000 })));
  const ended = await compare(subjects, { ...PACE, only: 'tw' }, () => {}).catch((error: unknown) => error);
  expect(ended).toBeInstanceOf(OnlyMeasured);
  expect((ended as OnlyMeasured).comparison.subjects.map(({ name }) => name)).toEqual(['two']);
  expect(calls.join()).not.toContain('one');
  const none = await compare(subjects, { ...PACE, only: 'three' }, () => {});
  expect(none.subjects).toEqual([]);
});

test('adds up errors, and says when the generator set the pace unless it is what is measured', async () => {
  const busy = () => ({ errors: 2, generatorCpuMs: 19 });
  const server = subject('server', [], busy);
  const client = { ...subject('client', [], busy), processes: [{ name: 'client', pid: process.pid }] };
  const { subjects } = await compare(
    [server, { ...client, load: { ...client.load, pid: process.pid } }],
    PACE,
    () => {},
  );
  expect(subjects.map(({ summary }) => summary.errors)).toEqual([6, 6]);
  expect(subjects.map(({ summary }) => summary.isGeneratorSaturated)).toEqual([true, false]);
});

/** A subject without a server: `next` makes what each run reports. */
function subject(name: string, calls: string[], next: () => Partial<LoadSample>): Subject {
  const load: Load = {
    prepare: () => {
      calls.push(`prepare ${name}`);
      return Promise.resolve();
    },
    run: (durationMs) => {
      calls.push(`run ${name} ${durationMs}`);
      return Promise.resolve({ ...SAMPLE, ...next() });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { name, processes: [], load };
}

const SAMPLE: LoadSample = {
  requests: 5000,
  requestsPerSecond: 1000,
  errors: 0,
  durationMs: 20,
  latency: { p50: 1, p95: 1, p99: 1, p999: 1, max: 1 },
  generatorCpuMs: 1,
};
