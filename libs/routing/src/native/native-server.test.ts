import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture, startNativeBench } from './fixtures/native-test-kit.js';
import type { NativeBench } from './fixtures/native-test-kit.js';

let bench: NativeBench;
beforeAll(() => {
  bench = startNativeBench([fixture('good/*.mjs')], {}, { views: { mine: { servers: ['tools'] } } });
});
afterAll(() => bench.routing.close());

test('clients see native tools as one more server, in every view that has it', async () => {
  const names = async (view: string): Promise<unknown[]> =>
    (await bench.list(view)).map((tool) => tool['name']).toSorted();
  const own = ['double', 'echo', 'misbehave', 'who'];
  expect(await names('')).toEqual(own.map((name) => `tools__${name}`));
  expect(await names('mine')).toEqual(own.map((name) => `tools__${name}`));
  expect(await names('tools')).toEqual(own);
});

test('a definition is shown whole, its input schema as an object', async () => {
  const echo = (await bench.list('tools')).find((tool) => tool['name'] === 'echo');
  expect(echo).toEqual({
    name: 'echo',
    title: 'Echo',
    description: 'Says it again',
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string' } },
      required: ['text'],
      additionalProperties: false,
    },
    outputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    annotations: { readOnlyHint: true },
  });
});

test('a value becomes structured content with its JSON as text', async () => {
  expect((await bench.call('echo', { text: 'hü "x"' }).ended).result).toEqual({
    resultType: 'complete',
    content: [{ type: 'text', text: '{"text":"hü \\"x\\""}' }],
    structuredContent: { text: 'hü "x"' },
  });
});

test('a legacy client gets the result of its own revision', async () => {
  const { result } = await bench.call('echo', { text: 'x' }, { protocolVersion: '2025-11-25', session: 's' })
    .ended;
  expect(result).toEqual({
    content: [{ type: 'text', text: '{"text":"x"}' }],
    structuredContent: { text: 'x' },
  });
});

test('arguments that do not match are an error result that says why', async () => {
  const { result } = await bench.call('echo', { txt: 1 }).ended;
  expect(result).toMatchObject({ isError: true });
  expect(JSON.stringify(result)).toMatch(/Invalid arguments for tool echo: .*'text'.*txt/);
});

test('a result that breaks its schema is an error result', async () => {
  const { result } = await bench.call('echo', { text: 'broken' }).ended;
  expect(result).toMatchObject({ isError: true });
  expect(JSON.stringify(result)).toContain('does not match its outputSchema');
});

test('an unknown tool is a protocol error', async () => {
  expect((await bench.call('nobody', {}).ended).error).toMatchObject({ code: 'INVALID_PARAMS' });
});

test('a worker knows who calls, tells how far it is, and logs what was asked for', async () => {
  const meta = { progressToken: 'mine', 'io.modelcontextprotocol/logLevel': 'info' };
  const call = bench.call('who', {}, { principal: { tenant: 'acme', id: 'bob' } }, meta);
  const { result, messages } = await call.ended;
  expect(result).toMatchObject({ structuredContent: { principal: { tenant: 'acme', id: 'bob' } } });
  const { threadId } = result?.['structuredContent'] as { threadId: number };
  expect(threadId).toBeGreaterThan(0);
  expect(messages.map(({ method, params }) => [method, params])).toEqual([
    ['notifications/message', { level: 'info', logger: 'who', data: { step: 1 } }],
    ['notifications/progress', { progressToken: 'mine', progress: 1, total: 2, message: 'half' }],
    ['notifications/progress', { progressToken: 'mine', progress: 2 }],
  ]);
});

test('a large result arrives whole, whatever the tool says of its type', async () => {
  const { result } = await bench.call('misbehave', { how: 'big' }).ended;
  expect(result).toMatchObject({ resultType: 'complete' });
  expect((result as { content: { text: string }[] }).content[0]?.text).toHaveLength(4_000_000);
});

test('what a tool prints does not reach the standard output', async () => {
  expect((await bench.call('misbehave', { how: 'print' }).ended).result).toMatchObject({
    structuredContent: { printed: true },
  });
});

test('the pool is measured', async () => {
  // Threads of calls that were cancelled before may still have to notice.
  const exposed = expect.poll(() => bench.metrics.expose(), { timeout: 10_000 });
  await exposed.toContain('mcp_worker_pool_utilization{pool="tools"} 0');
  await exposed.toContain('mcp_queue_depth{queue="tools"} 0');
});
