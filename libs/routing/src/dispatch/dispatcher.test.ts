import { createRequire } from 'node:module';
import { afterAll, expect, test } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const routing = startRoutingHarness({ all: { command: process.execPath, args: [everything, 'stdio'] } });
afterAll(() => routing.close());

const ANSWER = { model: 'm', role: 'assistant', content: { type: 'text', text: 'from the client' } };
const textOf = (result: unknown): string => JSON.stringify((result as { content: unknown }).content);

test('describes the servers of a view and lists their tools under prefixed names', async () => {
  const { result } = await send(routing, 'server/discover', modern({}), asModern()).ended;
  expect(result).toMatchObject({ resultType: 'complete', capabilities: { tools: { listChanged: true } } });
  const { result: list } = await send(routing, 'tools/list', {}).ended;
  const names = (list?.['tools'] as { name: string }[]).map((tool) => tool.name);
  expect(names).toContain('all__echo');
});

test('calls a tool for a legacy session and for a stateless client', async () => {
  const call = { name: 'all__echo', arguments: { message: 'hällo' } };
  const { result: legacy } = await send(routing, 'tools/call', call).ended;
  expect(textOf(legacy)).toContain('hällo');
  expect(legacy).not.toHaveProperty('resultType');
  const { result } = await send(routing, 'tools/call', modern(call), asModern()).ended;
  expect(textOf(result)).toContain('hällo');
  expect(result).toMatchObject({ resultType: 'complete' });
});

test('refuses names that no server of the view has', async () => {
  for (const name of ['echo', 'all__', 'nobody__echo']) {
    const { error } = await send(routing, 'tools/call', { name, arguments: {} }).ended;
    expect(error?.rpcCode).toBe(-32602);
  }
  const { error } = await send(routing, 'tools/call', { name: 'echo' }, { view: 'nowhere' }).ended;
  expect(error?.code).toBe('METHOD_NOT_FOUND');
});

test('gives progress the token of the client, before the result', async () => {
  const params = {
    name: 'all__trigger-long-running-operation',
    arguments: { duration: 0.2, steps: 4 },
    _meta: { progressToken: 'töken' },
  };
  const { messages, result } = await send(routing, 'tools/call', params).ended;
  expect(result).toBeDefined();
  expect(messages.map((message) => (message['params'] as { progressToken: unknown }).progressToken)).toEqual(
    Array(4).fill('töken'),
  );
});

test('relays a question of a legacy server to the legacy client that caused it', async () => {
  const capabilities = '{"sampling":{}}';
  const session = 'asked';
  const call = { name: 'all__trigger-sampling-request', arguments: { prompt: 'hi', maxTokens: 5 } };
  const inFlight = send(routing, 'tools/call', call, { session, capabilities });
  const question = await inFlight.next((message) => message['method'] === 'sampling/createMessage');
  const message = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: question['id'], result: ANSWER }));
  // The same answer of somebody else is not heard.
  routing.handler.input({ principal: { tenant: 'test', id: 'mallory' }, view: '', session, message });
  routing.handler.input({ principal: { tenant: 'test', id: 'alice' }, view: '', session, message });
  expect(textOf((await inFlight.ended).result)).toContain('from the client');
});

test('holds the call of a modern client while it answers a legacy server, and refuses every other state', async () => {
  const capabilities = { sampling: {} };
  const call = modern(
    { name: 'all__trigger-sampling-request', arguments: { prompt: 'hi', maxTokens: 5 } },
    capabilities,
  );
  const { result } = await send(routing, 'tools/call', call, asModern(capabilities)).ended;
  expect(result).toMatchObject({ resultType: 'input_required' });
  const [key] = Object.keys(result?.['inputRequests'] as object);
  const requestState = result?.['requestState'] as string;
  const retry = { ...call, inputResponses: { [key!]: ANSWER }, requestState };

  const forged = `${requestState.slice(0, -2)}AA`;
  const refusals = [
    send(routing, 'tools/call', { ...retry, requestState: forged }, asModern(capabilities)),
    send(routing, 'tools/call', { ...retry, arguments: { prompt: 'other' } }, asModern(capabilities)),
    send(routing, 'tools/call', retry, {
      ...asModern(capabilities),
      principal: { tenant: 'test', id: 'mallory' },
    }),
  ];
  for (const refusal of refusals) expect((await refusal.ended).error?.rpcCode).toBe(-32602);

  const { result: final } = await send(routing, 'tools/call', retry, asModern(capabilities)).ended;
  expect(textOf(final)).toContain('from the client');
  const replayed = await send(routing, 'tools/call', retry, asModern(capabilities)).ended;
  expect(replayed.error?.rpcCode).toBe(-32602);
});

test('ends a call at its deadline and cancels it upstream', async () => {
  const params = { name: 'all__trigger-long-running-operation', arguments: { duration: 30, steps: 1 } };
  const started = performance.now();
  const { error } = await send(routing, 'tools/call', params, { timeoutMs: 100 }).ended;
  expect(error?.code).toBe('DEADLINE_EXCEEDED');
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('cancels a call when its client says so, and lets the gateway close what it kept open', async () => {
  const params = { name: 'all__trigger-long-running-operation', arguments: { duration: 30, steps: 1 } };
  const { ended } = send(routing, 'tools/call', params, { session: 'cancelling', clientRequestId: '"x"' });
  await send(
    routing,
    'tools/call',
    { name: 'all__echo', arguments: { message: 'm' } },
    { session: 'cancelling' },
  ).ended;
  const message = Buffer.from(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}',
  );
  routing.handler.input({
    principal: { tenant: 'test', id: 'alice' },
    view: '',
    session: 'cancelling',
    message,
  });
  expect((await ended).error?.code).toBe('CANCELLED');
  expect(routing.status()['calls']).toBe(0);
});

test('forgets a session for good when its client ends it', async () => {
  const call = { name: 'all__echo', arguments: { message: 'm' } };
  await send(routing, 'tools/call', call, { session: 'gone' }).ended;
  await send(routing, 'session/end', {}, { session: 'gone' }).ended;
  const { error } = await send(routing, 'tools/call', call, { session: 'gone' }).ended;
  expect(error?.code).toBe('SESSION_NOT_FOUND');
});

test('sends updates of a resource to the session that subscribed, on its stream', async () => {
  const session = 'subscriber';
  const { result } = await send(routing, 'resources/list', {}, { session }).ended;
  const uri = (result?.['resources'] as { uri: string }[])[0]!.uri;
  const stream = send(routing, 'session/stream', {}, { session, timeoutMs: 0, clientRequestId: 'null' });
  expect((await send(routing, 'resources/subscribe', { uri }, { session }).ended).result).toEqual({});
  await send(routing, 'tools/call', { name: 'all__toggle-subscriber-updates', arguments: {} }, { session })
    .ended;
  const updated = await stream.next((message) => message['method'] === 'notifications/resources/updated');
  expect(updated['params']).toEqual({ uri });
  stream.handle.cancel('client');
});
