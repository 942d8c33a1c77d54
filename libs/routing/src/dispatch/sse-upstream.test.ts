import { afterAll, expect, test, vi } from 'vitest';
import { startFixtureSse } from '@mcp-bridge/testkit';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';

vi.setConfig({ testTimeout: 30_000 });

const found = await startFixtureSse();
const named = await startFixtureSse();
const routing = startRoutingHarness({
  found: { url: found.url },
  named: { url: named.url, transport: 'sse' },
});
afterAll(async () => {
  await routing.close();
  await Promise.all([found[Symbol.asyncDispose](), named[Symbol.asyncDispose]()]);
});

const ANSWER = { model: 'm', role: 'assistant', content: { type: 'text', text: 'from the client' } };
const SAMPLING = { name: 'found__test_sampling', arguments: { prompt: 'hi' } };
const textOf = (result: unknown): string => JSON.stringify((result as { content: unknown }).content);

test('servers of HTTP+SSE are listed and called like any other, in both eras', async () => {
  const { result: list } = await send(routing, 'tools/list', {}).ended;
  const names = new Set((list?.['tools'] as { name: string }[]).map((tool) => tool.name));
  for (const server of ['found', 'named']) {
    expect(names).toContain(`${server}__echo`);
    const call = { name: `${server}__echo`, arguments: { text: 'hällo' } };
    const { result: legacy } = await send(routing, 'tools/call', call).ended;
    expect(textOf(legacy)).toContain('hällo');
    const { result } = await send(routing, 'tools/call', modern(call), asModern()).ended;
    expect(textOf(result)).toContain('hällo');
    expect(result).toMatchObject({ resultType: 'complete' });
  }
});

test('a question in mid-call becomes a request to a legacy client', async () => {
  const session = 'asked';
  const inFlight = send(routing, 'tools/call', SAMPLING, { session, capabilities: '{"sampling":{}}' });
  const question = await inFlight.next((message) => message['method'] === 'sampling/createMessage');
  const message = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: question['id'], result: ANSWER }));
  routing.handler.input({ principal: { tenant: 'test', id: 'alice' }, view: '', session, message });
  expect(textOf((await inFlight.ended).result)).toContain('from the client');
});

test('a question in mid-call becomes input_required for a modern client', async () => {
  const capabilities = { sampling: {} };
  const call = modern(SAMPLING, capabilities);
  const { result } = await send(routing, 'tools/call', call, asModern(capabilities)).ended;
  expect(result).toMatchObject({ resultType: 'input_required' });
  const [key = ''] = Object.keys(result?.['inputRequests'] as object);
  const retry = {
    ...call,
    inputResponses: { [key]: ANSWER },
    requestState: result?.['requestState'] as string,
  };
  const { result: final } = await send(routing, 'tools/call', retry, asModern(capabilities)).ended;
  expect(textOf(final)).toContain('from the client');
});

test('each session has an event stream of its own', async () => {
  const remember = (session: string, text?: string) => {
    const args = text === undefined ? {} : { text };
    return send(routing, 'tools/call', { name: 'named__probe_memory', arguments: args }, { session }).ended;
  };
  await remember('first', 'a secret');
  expect(textOf((await remember('first')).result)).toContain('a secret');
  expect(textOf((await remember('second')).result)).not.toContain('a secret');
  const streams = named.streamCount;
  await send(routing, 'session/end', {}, { session: 'first' }).ended;
  await vi.waitUntil(() => named.streamCount === streams - 1);
});

test('list changes reach sessions and listeners', async () => {
  const session = 'listening';
  const stream = send(routing, 'session/stream', {}, { session, timeoutMs: 0 });
  const notifications = { toolsListChanged: true };
  const listening = send(routing, 'subscriptions/listen', modern({ notifications }), {
    ...asModern(),
    timeoutMs: 0,
  });
  await listening.next((message) => message['method'] === 'notifications/subscriptions/acknowledged');
  const call = { name: 'found__test_trigger_tool_change', arguments: {} };
  await send(routing, 'tools/call', call, { session }).ended;
  const isChange = (message: Record<string, unknown>): boolean =>
    message['method'] === 'notifications/tools/list_changed';
  await stream.next(isChange);
  await listening.next(isChange);
  stream.handle.cancel('client');
  listening.handle.cancel('client');
});

test('a call whose stream is lost may have run, and the next one opens another', async () => {
  const session = 'cut';
  const sleep = { name: 'found__probe_sleep', arguments: { ms: 20_000 }, _meta: { progressToken: 1 } };
  const echo = { name: 'found__echo', arguments: { text: 'here' } };
  const sleeping = send(routing, 'tools/call', sleep, { session });
  await send(routing, 'tools/call', echo, { session }).ended;
  found.cutStreams();
  expect((await sleeping.ended).error?.code).toBe('OUTCOME_UNKNOWN');
  expect(textOf((await send(routing, 'tools/call', echo, { session }).ended).result)).toContain('here');
});
