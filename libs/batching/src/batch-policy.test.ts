import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBatchPolicy } from './batch-policy.js';
import type { Batch } from './batch-policy.js';

test('a lone item goes at once, alone', () => {
  const policy = createBatchPolicy<string>({ maxSize: 8, maxWaitMs: 10 });
  expect(policy.add('a', 'x', 0)).toEqual({ group: 'a', items: ['x'] });
  expect(policy.nextDueAt()).toBeUndefined();
  expect(policy.done('a')).toBeUndefined();
});

test('what comes while a batch is in flight goes together when that is through', () => {
  const policy = createBatchPolicy<number>({ maxSize: 8, maxWaitMs: 10 });
  policy.add('a', 1, 0);
  expect([2, 3, 4].map((n) => policy.add('a', n, n))).toEqual([undefined, undefined, undefined]);
  expect(policy.done('a')).toEqual({ group: 'a', items: [2, 3, 4] });
});

test('a full batch does not wait for the one in flight, nor does one that has waited long enough', () => {
  const policy = createBatchPolicy<number>({ maxSize: 2, maxWaitMs: 10 });
  policy.add('a', 1, 0);
  policy.add('a', 2, 1);
  expect(policy.add('a', 3, 2)?.items).toEqual([2, 3]);
  policy.add('a', 4, 5);
  expect(policy.nextDueAt()).toBe(15);
  expect(policy.due(14)).toEqual([]);
  expect(policy.due(15)).toEqual([{ group: 'a', items: [4] }]);
});

test('an item that is taken back is in no batch', () => {
  const policy = createBatchPolicy<number>({ maxSize: 8, maxWaitMs: 10 });
  policy.add('a', 1, 0);
  policy.add('a', 2, 0);
  expect([policy.remove('a', 1), policy.remove('a', 2), policy.remove('b', 2)]).toEqual([false, true, false]);
  expect([policy.done('a'), policy.waiting]).toEqual([undefined, 0]);
});

test.each([
  ['maxSize', { maxSize: 0, maxWaitMs: 1 }],
  ['maxWaitMs', { maxSize: 1, maxWaitMs: -1 }],
])('refuses a senseless %s', (_what, options) => {
  expect(() => createBatchPolicy(options)).toThrow(RangeError);
});

type Step =
  | { readonly kind: 'add'; readonly group: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), group: fc.constantFrom('a', 'b') }),
  fc.record({ kind: fc.constant('done' as const) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20 }) }),
);

test('whatever happens: each item once, in order, in its group, within size and time', () => {
  const limits = fc.record({
    maxSize: fc.integer({ min: 1, max: 5 }),
    maxWaitMs: fc.integer({ min: 0, max: 15 }),
  });
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 80 }), (options, steps) => {
      interface Item {
        readonly group: string;
        readonly at: number;
        readonly serial: number;
      }
      const policy = createBatchPolicy<Item>(options);
      const flights: Batch<Item>[] = [];
      const sent: Item[] = [];
      let now = 0;
      let serial = 0;
      const fly = (batch: Batch<Item> | undefined): void => {
        if (batch === undefined) return;
        expect(batch.items.length).toBeGreaterThan(0);
        expect(batch.items.length).toBeLessThanOrEqual(options.maxSize);
        for (const item of batch.items) {
          expect(item.group).toBe(batch.group);
          expect(now - item.at).toBeLessThanOrEqual(options.maxWaitMs);
          sent.push(item);
        }
        flights.push(batch);
      };
      const land = (): void => {
        const batch = flights.shift();
        if (batch !== undefined) fly(policy.done(batch.group));
      };
      const advance = (to: number): void => {
        for (let due = policy.nextDueAt(); due !== undefined && due <= to; due = policy.nextDueAt()) {
          now = Math.max(now, due);
          policy.due(now).forEach(fly);
        }
        now = to;
      };
      for (const each of steps) {
        if (each.kind === 'done') land();
        else if (each.kind === 'wait') advance(now + each.ms);
        else {
          const idle = flights.every((batch) => batch.group !== each.group);
          const item = { group: each.group, at: now, serial: serial++ };
          const batch = policy.add(each.group, item, now);
          if (idle) expect(batch?.items).toEqual([item]);
          fly(batch);
        }
      }
      while (flights.length > 0) land();
      expect([policy.waiting, policy.nextDueAt(), sent.length]).toEqual([0, undefined, serial]);
      for (const group of ['a', 'b']) {
        const order = sent.filter((item) => item.group === group).map((item) => item.serial);
        expect(order).toEqual(order.toSorted((x, y) => x - y));
      }
    }),
  );
});
