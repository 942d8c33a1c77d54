import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue } from './fair-queue.js';

const item = (tenant: string, tool = 'x', n = 0) => ({ tenant, tool, n });
const any = (): boolean => true;

test('a tenant with many waiting delays the others by one place', () => {
  const queue = new FairQueue<ReturnType<typeof item>>(100);
  for (let n = 0; n < 10; n += 1) queue.push(item('flood', 'x', n));
  queue.push(item('quiet'));
  expect([1, 2, 3].map(() => queue.shift(any)?.tenant)).toEqual(['flood', 'quiet', 'flood']);
});

test('a tool at its limit does not hold up the tools behind it', () => {
  const queue = new FairQueue<ReturnType<typeof item>>(100);
  queue.push(item('a', 'busy'));
  queue.push(item('a', 'free'));
  expect(queue.shift((tool) => tool !== 'busy')?.tool).toBe('free');
  expect([queue.shift((tool) => tool !== 'busy'), queue.size]).toEqual([undefined, 1]);
});

test('a full queue takes from whoever has the most, its newest', () => {
  const queue = new FairQueue<ReturnType<typeof item>>(3);
  for (let n = 0; n < 3; n += 1) expect(queue.push(item('flood', 'x', n))).toBeUndefined();
  const more = item('flood', 'x', 3);
  expect(queue.push(more)).toBe(more);
  expect(queue.push(item('quiet'))).toMatchObject({ tenant: 'flood', n: 2 });
  expect(queue.size).toBe(3);
});

test('nothing is lost or served twice, and the order of a tenant and tool holds', () => {
  const step = fc.record({
    kind: fc.constantFrom('push', 'push', 'shift', 'remove'),
    tenant: fc.constantFrom('a', 'b', 'c'),
    tool: fc.constantFrom('x', 'y'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = new FairQueue<ReturnType<typeof item>>(10);
      const inside = new Set<ReturnType<typeof item>>();
      steps.forEach(({ kind, tenant, tool }, n) => {
        if (kind === 'push') {
          const pushed = item(tenant, tool, n);
          inside.add(pushed);
          const refused = queue.push(pushed);
          if (refused !== undefined) expect(inside.delete(refused)).toBe(true);
        } else if (kind === 'shift') {
          const shifted = queue.shift(any);
          expect(shifted === undefined).toBe(inside.size === 0);
          if (shifted === undefined) return;
          expect(inside.delete(shifted)).toBe(true);
          const same = [...inside].filter(
            (other) => other.tenant === shifted.tenant && other.tool === shifted.tool,
          );
          expect(same.every((other) => other.n > shifted.n)).toBe(true);
        } else {
          const [any] = inside;
          if (any !== undefined) expect([queue.remove(any), inside.delete(any)]).toEqual([true, true]);
        }
        expect(queue.size).toBe(inside.size);
      });
      expect(new Set(queue.drain())).toEqual(inside);
    }),
  );
});
