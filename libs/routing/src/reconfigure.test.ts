import { isRunning, fixtureCommand, waitFor } from '@mcp-bridge/testkit';
import { configSchema } from '@mcp-bridge/service';
import { afterEach, expect, test, vi } from 'vitest';
import type { Routing } from './create-routing.js';
import { asModern, modern, send, startRoutingHarness } from './routing-harness.js';
import type { CallInFlight } from './routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 40_000 });

type Json = Record<string, unknown>;
const LEGACY = fixtureCommand({ era: 'legacy' });
const MODERN = fixtureCommand({ era: 'modern' });
const CHANGED = { env: { CHANGED: 'yes' } };

let routing: Routing;
afterEach(() => routing.close());

function reconfigure(servers: Json, more: Json = {}, cause: 'signal' | 'file' = 'signal'): void {
  routing.reconfigure({ config: configSchema.parse({ servers, ...more }), cause });
}

async function call(name: string, args: Json = {}, options: Json = {}): Promise<string> {
  const { result, error } = await send(routing, 'tools/call', { name, arguments: args }, options).ended;
  if (error !== undefined) throw error;
  return (result?.['content'] as { text: string }[])[0]?.text ?? '';
}

async function pidOf(server: string, options: Json = {}): Promise<number> {
  const context = JSON.parse(await call(`${server}__probe_context`, {}, options)) as { pid: number };
  return context.pid;
}

async function toolNames(view = '', session = 's'): Promise<string[]> {
  const { result, error } = await send(routing, 'tools/list', {}, { view, session }).ended;
  if (error !== undefined) throw error;
  return (result?.['tools'] as { name: string }[]).map(({ name }) => name);
}

/** A call that has begun at its server, and ends after `ms`. */
async function sleeping(server: string, ms: number, options: Json = {}): Promise<CallInFlight> {
  const params = {
    name: `${server}__probe_sleep`,
    arguments: { ms, steps: 10 },
    _meta: { progressToken: 1 },
  };
  const flying = send(routing, 'tools/call', params, options);
  await flying.next(({ method }) => method === 'notifications/progress');
  return flying;
}

test('a server whose entry is what it was keeps its process, whatever happens to others', async () => {
  routing = startRoutingHarness({ a: LEGACY, b: LEGACY });
  const before = await pidOf('a');
  reconfigure({ c: MODERN, a: { ...LEGACY, timeout: 5_000 } });
  expect(await pidOf('a')).toBe(before);
});

test('a changed server takes new calls at once, and ends those in flight where they began', async () => {
  routing = startRoutingHarness({ a: LEGACY });
  const before = await pidOf('a');
  const flying = await sleeping('a', 600);
  reconfigure({ a: { ...LEGACY, ...CHANGED } });
  expect(routing.status()).toMatchObject({ retiring: 1 });
  const after = await pidOf('a');
  expect(after).not.toBe(before);
  expect((await flying.ended).result).toMatchObject({ content: [{ text: 'slept 600 ms' }] });
  await waitFor(() => !isRunning(before), { what: 'the end of the old process' });
  expect(isRunning(after)).toBe(true);
});

test('what does not end in router.drainTimeout is cut off', async () => {
  routing = startRoutingHarness({ a: LEGACY }, { router: { drainTimeout: 200 } });
  const flying = await sleeping('a', 60_000);
  reconfigure({});
  expect((await flying.ended).error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
});

test('a call that is held for an answer ends on the old server', async () => {
  routing = startRoutingHarness({ a: LEGACY });
  const options = asModern({ sampling: {} });
  const params = modern({ name: 'a__test_sampling', arguments: { prompt: 'p' } }, { sampling: {} });
  const asked = await send(routing, 'tools/call', params, options).ended;
  const { inputRequests, requestState } = asked.result as { inputRequests: object; requestState: string };
  reconfigure({ a: { ...LEGACY, ...CHANGED } });
  const answer = { role: 'assistant', model: 'm', content: { type: 'text', text: 'still here' } };
  const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, answer]));
  const retry = await send(routing, 'tools/call', { ...params, inputResponses, requestState }, options).ended;
  expect(JSON.stringify(retry.result)).toContain('still here');
});

test('a removed server is in no list, its calls are refused, and its processes end', async () => {
  routing = startRoutingHarness({ a: LEGACY, b: MODERN });
  const before = await pidOf('a');
  expect(await toolNames()).toEqual(expect.arrayContaining(['a__echo', 'b__echo']));
  reconfigure({ b: MODERN });
  expect(await toolNames()).not.toContain('a__echo');
  await expect(call('a__echo', { text: 'x' })).rejects.toThrow('Unknown tool: a__echo');
  await expect(toolNames('a', 't')).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
  await waitFor(() => !isRunning(before), { what: 'the end of the process' });
  reconfigure({ a: LEGACY, b: MODERN });
  expect(await toolNames()).toContain('a__echo');
});

test('views change at once, for lists and for calls', async () => {
  const servers = { a: LEGACY };
  routing = startRoutingHarness(servers, { views: { some: { servers: ['a'] } } });
  expect(await toolNames('some')).toContain('a__echo');
  reconfigure(servers, { views: { some: { servers: ['a'], tools: { deny: ['*echo'] } } } });
  expect(await toolNames('some', 's2')).not.toContain('a__echo');
  const denied = { view: 'some', session: 's3' };
  await expect(call('a__echo', { text: 'x' }, denied)).rejects.toThrow('Unknown tool');
});

test('whoever listens hears that lists changed, in the views where they did', async () => {
  routing = startRoutingHarness({ a: LEGACY, b: MODERN });
  const listen = async (view: string): Promise<CallInFlight> => {
    const notifications = { toolsListChanged: true, resourcesListChanged: true };
    const params = modern({ notifications });
    const stream = send(routing, 'subscriptions/listen', params, { ...asModern(), view, timeoutMs: 0 });
    await stream.next(({ method }) => method === 'notifications/subscriptions/acknowledged');
    return stream;
  };
  const [all, other] = await Promise.all([listen(''), listen('b')]);
  const session = send(routing, 'session/stream', {}, { timeoutMs: 0 });
  const changed = (kind: string) => (message: Json) =>
    message['method'] === `notifications/${kind}/list_changed`;
  reconfigure({ a: LEGACY, b: MODERN, c: LEGACY });
  await Promise.all([all, session].map((stream) => stream.next(changed('tools'))));
  await Promise.all([all, session].map((stream) => stream.next(changed('resources'))));
  // The server that came while it listened is heard like the others.
  all.messages.length = 0;
  await call('c__test_trigger_tool_change', {}, { session: 'another' });
  await session.next(changed('prompts'));
  expect(other?.messages).toHaveLength(1);
  for (const stream of [all, other, session]) stream?.handle.cancel('client');
});

test('a subscription moves to the changed server, which does not keep the old one alive', async () => {
  routing = startRoutingHarness({ a: MODERN });
  const uri = 'test://watched-resource';
  const params = modern({ notifications: { resourceSubscriptions: [uri] } });
  const stream = send(routing, 'subscriptions/listen', params, { ...asModern(), timeoutMs: 0 });
  await stream.next(({ method }) => method === 'notifications/subscriptions/acknowledged');
  const before = await pidOf('a');
  const isUpdate = ({ method }: Json): boolean => method === 'notifications/resources/updated';
  reconfigure({ a: { ...MODERN, ...CHANGED } });
  // What changed meanwhile was not heard, so it is told to look.
  await stream.next(isUpdate);
  await waitFor(() => !isRunning(before), { what: 'the end of the old process' });
  stream.messages.length = 0;
  await call('a__test_trigger_resource_update', { uri });
  await stream.next(isUpdate);
  stream.handle.cancel('client');
});

test('a session goes on at a changed server, with its log level', async () => {
  routing = startRoutingHarness({ a: LEGACY });
  const session = { session: 'long-lived' };
  await pidOf('a', session);
  expect((await send(routing, 'logging/setLevel', { level: 'debug' }, session).ended).error).toBeUndefined();
  reconfigure({ a: { ...LEGACY, ...CHANGED } });
  const logging = send(routing, 'tools/call', { name: 'a__test_tool_with_logging', arguments: {} }, session);
  expect((await logging.ended).error).toBeUndefined();
  expect(logging.messages.some(({ method }) => method === 'notifications/message')).toBe(true);
});
