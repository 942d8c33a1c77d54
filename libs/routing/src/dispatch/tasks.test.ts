import { fixtureCommand } from '@mcp-bridge/testkit';
import { afterAll, expect, test, vi } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';
import type { Outcome } from '../routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const routing = startRoutingHarness({
  first: fixtureCommand({ era: 'modern' }),
  second: fixtureCommand({ era: 'modern' }),
  shared: { ...fixtureCommand({ era: 'legacy' }), isolation: 'shared' },
});
afterAll(() => routing.close());

const DECLARED = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const MALLORY = { principal: { tenant: 'test', id: 'mallory' } };

function request(
  method: string,
  params: Record<string, unknown>,
  capabilities = {},
  overrides = {},
): Promise<Outcome> {
  return send(routing, method, modern(params, capabilities), { ...asModern(capabilities), ...overrides })
    .ended;
}

async function begin(server: string): Promise<string> {
  const { result } = await request(
    'tools/call',
    { name: `${server}__slow_compute`, arguments: { seconds: 600 } },
    DECLARED,
  );
  expect(result).toMatchObject({ resultType: 'task', taskId: expect.any(String) as string });
  return result?.['taskId'] as string;
}

test('a task is asked for where it was made, whichever server that is', async () => {
  for (const server of ['second', 'first']) {
    const taskId = await begin(server);
    expect((await request('tasks/get', { taskId }, DECLARED)).result).toMatchObject({ taskId });
    expect((await request('tasks/cancel', { taskId }, DECLARED)).error).toBeUndefined();
    expect((await request('tasks/get', { taskId }, DECLARED, { view: server })).result).toMatchObject({
      taskId,
    });
    const other = server === 'first' ? 'second' : 'first';
    expect((await request('tasks/get', { taskId }, DECLARED, { view: other })).error?.rpcCode).toBe(-32602);
  }
});

test('a task of another principal is as unknown as one that never was', async () => {
  const taskId = await begin('first');
  for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
    const foreign = await request(method, { taskId }, DECLARED, MALLORY);
    const madeUp = await request(method, { taskId: 'made-up' }, DECLARED);
    expect([foreign.error?.rpcCode, madeUp.error?.rpcCode]).toEqual([-32602, -32602]);
    expect(foreign.error?.message.replace(taskId, '')).toBe(madeUp.error?.message.replace('made-up', ''));
  }
});

test('a request that does not declare the extension makes no task and asks for none', async () => {
  const taskId = await begin('first');
  const required = { requiredCapabilities: DECLARED };
  const { error } = await request('tasks/get', { taskId });
  expect([error?.rpcCode, JSON.parse(error?.data ?? '')]).toEqual([-32021, required]);
  const made = await request('tools/call', { name: 'first__slow_compute', arguments: { seconds: 0.01 } });
  expect(made.result).toMatchObject({ resultType: 'complete', content: [{ text: 'Computed ' }] });
});

test('the tasks of a shared legacy server are listed to nobody', async () => {
  const { error } = await send(routing, 'tasks/list', {}, { view: 'shared' }).ended;
  expect([error?.rpcCode, error?.message]).toEqual([
    -32601,
    expect.stringContaining('shared by several clients'),
  ]);
});
