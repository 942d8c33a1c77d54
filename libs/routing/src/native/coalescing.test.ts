import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture, startNativeBench } from './fixtures/native-test-kit.js';
import type { NativeBench } from './fixtures/native-test-kit.js';

let bench: NativeBench;
beforeAll(async () => {
  bench = startNativeBench([fixture('good/double.mjs')], { threads: 1 });
  await bench.call('double', { n: 0 }).ended;
});
afterAll(() => bench.routing.close());

const structured = (outcome: { result?: Record<string, unknown> }): unknown =>
  outcome.result?.['structuredContent'];

// Which calls share a turn with the first is the scheduler's to say on a busy machine.
test('a lone call goes alone; what comes meanwhile goes together', { retry: 3 }, async () => {
  const first = bench.call('double', { n: 1 });
  const others = [2, 3, 4].map((n) => bench.call('double', { n }));
  expect(structured(await first.ended)).toEqual({ twice: 2, size: 1, tenants: ['test'] });
  const outcomes = await Promise.all(others.map(({ ended }) => ended));
  expect(outcomes.map(structured)).toEqual(
    [2, 3, 4].map((n) => ({ twice: 2 * n, size: 3, tenants: ['test'] })),
  );
});

test('tenants never share a batch', async () => {
  const principals = ['a', 'b', 'a', 'b'].map((tenant) => ({ tenant, id: 'x' }));
  const calls = [...principals, ...principals].map((principal) =>
    bench.call('double', { n: 1 }, { principal }),
  );
  const outcomes = await Promise.all(calls.map(({ ended }) => ended));
  const tenants = outcomes.map((outcome) => (structured(outcome) as { tenants: string[] }).tenants);
  expect(tenants).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'].map((tenant) => [tenant]));
});

test('an error, bad arguments and a cancelled call stay with their call', async () => {
  const first = bench.call('double', { n: 1 });
  const [negative, invalid, cancelled, fine] = [{ n: -1 }, { n: 'x' }, { n: 5 }, { n: 6 }].map((args) =>
    bench.call('double', args),
  );
  // Both in one turn: it waits for the batch in flight when it is cancelled.
  await Promise.resolve();
  cancelled!.handle.cancel();
  await first.ended;
  expect((await negative!.ended).result).toMatchObject({ isError: true, content: [{ text: 'negative' }] });
  expect(JSON.stringify((await invalid!.ended).result)).toContain('Invalid arguments');
  expect(structured(await fine!.ended)).toEqual({ twice: 12, size: 2, tenants: ['test'] });
});
