import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture, startNativeBench } from './fixtures/native-test-kit.js';
import type { CallInFlight } from '../routing-harness.js';
import type { NativeBench } from './fixtures/native-test-kit.js';

let bench: NativeBench;
beforeAll(async () => {
  bench = startNativeBench([fixture('good/double.mjs'), fixture('good/echo.mjs')], { threads: 1 });
  await bench.call('double', { n: 0 }).ended;
});
afterAll(() => bench.routing.close());

const structured = (outcome: { result?: Record<string, unknown> }): unknown =>
  outcome.result?.['structuredContent'];

/** A batch of one that is in flight until it is released. */
async function hold(): Promise<{ readonly call: CallInFlight; release(): void }> {
  const call = bench.call('double', { n: 1, hold: true }, {}, { progressToken: 1 });
  await call.next(({ method }) => method === 'notifications/progress');
  return {
    call,
    release() {
      const channel = new BroadcastChannel('double');
      channel.postMessage('go');
      channel.close();
    },
  };
}

/** Everything that was called before has reached the native tools: this call came after, on the same way. */
const arrival = (): Promise<unknown> => bench.call('echo', { text: 'x' }).ended;

test('a lone call goes alone; what comes meanwhile goes together', async () => {
  const { call: first, release } = await hold();
  const others = [2, 3, 4].map((n) => bench.call('double', { n }));
  await arrival();
  release();
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
  const { call: first, release } = await hold();
  const [negative, invalid, cancelled, fine] = [{ n: -1 }, { n: 'x' }, { n: 5 }, { n: 6 }].map((args) =>
    bench.call('double', args),
  );
  await arrival();
  cancelled!.handle.cancel();
  release();
  await first.ended;
  expect((await negative!.ended).result).toMatchObject({ isError: true, content: [{ text: 'negative' }] });
  expect(JSON.stringify((await invalid!.ended).result)).toContain('Invalid arguments');
  expect(structured(await fine!.ended)).toEqual({ twice: 12, size: 2, tenants: ['test'] });
});

test('batches are measured', async () => {
  const exposed = await bench.metrics.expose();
  const valueOf = (series: string): number =>
    Number(
      exposed
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    );
  const calls = valueOf('mcp_batch_size_sum{tool="double"}');
  expect(calls).toBeGreaterThan(valueOf('mcp_batch_size_count{tool="double"}'));
  expect(valueOf('mcp_batch_wait_seconds_count{tool="double"}')).toBe(calls);
});
