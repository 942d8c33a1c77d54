import { fixtureCommand, spawnFixtureHttp } from '@mcp-bridge/testkit';
import { afterAll, expect, test, vi } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';
import type { CallInFlight } from '../routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 40_000 });

const http = await spawnFixtureHttp();
const routing = startRoutingHarness({
  web: { url: http.url },
  new: fixtureCommand({ era: 'modern' }),
  old: fixtureCommand({ era: 'legacy' }),
  shared: { ...fixtureCommand({ era: 'legacy' }), isolation: 'shared' },
});
afterAll(async () => {
  await routing.close();
  await http[Symbol.asyncDispose]();
});

type Json = Record<string, unknown>;
const URI = 'test://watched-resource';
const ID = 'io.modelcontextprotocol/subscriptionId';
const isUpdate = (message: Json): boolean => message['method'] === 'notifications/resources/updated';
const isToolChange = (message: Json): boolean => message['method'] === 'notifications/tools/list_changed';

async function listen(id: string, notifications: Json, view = ''): Promise<CallInFlight> {
  const options = { ...asModern(), clientRequestId: JSON.stringify(id), timeoutMs: 0, view };
  const stream = send(routing, 'subscriptions/listen', modern({ notifications }), options);
  await stream.next((message) => message['method'] === 'notifications/subscriptions/acknowledged');
  return stream;
}

function openStream(session: string, view = ''): CallInFlight {
  return send(routing, 'session/stream', {}, { session, view, timeoutMs: 0, clientRequestId: 'null' });
}

async function call(name: string, session: string, args: Json = {}): Promise<Json | undefined> {
  return (await send(routing, 'tools/call', { name, arguments: args }, { session }).ended).result;
}

const methods = (stream: CallInFlight): unknown[] => stream.messages.map((message) => message['method']);

test.each(['web', 'new'])(
  'a changed list of %s reaches sessions and those listeners that asked, tagged for each',
  async (server) => {
    const session = `changing-${server}`;
    await send(routing, 'tools/list', {}, { session }).ended;
    const stream = openStream(session);
    const one = await listen('one', { toolsListChanged: true });
    const two = await listen('two', { toolsListChanged: true, promptsListChanged: true });
    const other = await listen('other', { resourcesListChanged: true });
    const elsewhere = await listen('elsewhere', { toolsListChanged: true }, 'shared');
    await call(`${server}__test_trigger_tool_change`, session);
    await Promise.all([stream, one, two].map((each) => each.next(isToolChange)));
    expect(await stream.next(isToolChange)).not.toHaveProperty('params');
    for (const [listener, id] of [
      [one, 'one'],
      [two, 'two'],
      [other, 'other'],
      [elsewhere, 'elsewhere'],
    ] as const) {
      for (const message of listener.messages)
        expect(message).toMatchObject({ params: { _meta: { [ID]: id } } });
    }
    expect(one.messages[0]).toMatchObject({ params: { notifications: { toolsListChanged: true } } });
    expect(methods(other)).toEqual(['notifications/subscriptions/acknowledged']);
    expect(methods(elsewhere)).toEqual(['notifications/subscriptions/acknowledged']);
    // What is listed now is what was announced.
    const { result } = await send(routing, 'tools/list', {}, { session }).ended;
    const names = (result?.['tools'] as { name: string }[]).map((tool) => tool.name);
    expect(names).toContain(`${server}__test_changed_tool`);
    for (const each of [stream, one, two, other, elsewhere]) each.handle.cancel('client');
    await call(`${server}__test_trigger_tool_change`, session);
  },
);

test('an acknowledgement names what is honoured, and no more', async () => {
  const all = { toolsListChanged: true, resourceSubscriptions: [URI], madeUp: true };
  const { messages, handle } = await listen('all', all, 'new');
  expect(messages[0]).toMatchObject({ params: { notifications: { toolsListChanged: true } } });
  const honoured = (messages[0]?.['params'] as { notifications: Json }).notifications;
  expect(Object.keys(honoured).sort()).toEqual(['resourceSubscriptions', 'toolsListChanged']);
  handle.cancel('client');
  const broken = modern({ notifications: { resourceSubscriptions: 'x' } });
  const { error } = await send(routing, 'subscriptions/listen', broken, { ...asModern(), timeoutMs: 0 })
    .ended;
  expect(error?.rpcCode).toBe(-32602);
});

test.each(['web', 'new', 'old', 'shared'])(
  'an update at %s reaches those who subscribed, until they unsubscribe',
  async (server) => {
    const [stays, leaves, never] = ['stays', 'leaves', 'never'].map((name) => `${name}-${server}`) as [
      string,
      string,
      string,
    ];
    const streams = [stays, leaves, never].map((session) => openStream(session, server));
    const subscribe = (session: string, method = 'resources/subscribe') =>
      send(routing, method, { uri: URI }, { session, view: server }).ended;
    for (const session of [stays, leaves]) expect((await subscribe(session)).result).toEqual({});
    expect((await subscribe(leaves, 'resources/unsubscribe')).result).toEqual({});
    const touch = (session: string) =>
      send(
        routing,
        'tools/call',
        { name: 'test_trigger_resource_update', arguments: { uri: URI } },
        { session, view: server },
      ).ended;
    for (const session of [never, leaves, stays]) await touch(session);
    expect(await streams[0]!.next(isUpdate)).toMatchObject({ params: { uri: URI } });
    for (const session of [never, leaves, stays]) await touch(session);
    expect(streams[1]!.messages.filter(isUpdate)).toEqual([]);
    expect(streams[2]!.messages.filter(isUpdate)).toEqual([]);
    for (const stream of streams) stream.handle.cancel('client');
  },
);

test.each(['new', 'shared'])(
  'a modern listener hears of the resources of %s that it asked for',
  async (server) => {
    const asked = await listen('asked', { resourceSubscriptions: [URI] }, server);
    const tools = await listen('tools', { toolsListChanged: true }, server);
    const view = { ...asModern(), view: server };
    await send(routing, 'tools/call', modern({ name: 'test_trigger_resource_update', arguments: {} }), view)
      .ended;
    expect(await asked.next(isUpdate)).toMatchObject({ params: { uri: URI, _meta: { [ID]: 'asked' } } });
    expect(tools.messages.filter(isUpdate)).toEqual([]);
    for (const each of [asked, tools]) each.handle.cancel('client');
  },
);

test.each(['new', 'old'])(
  'subscriptions at %s outlive the process that they were made in',
  async (server) => {
    const session = `crash-${server}`;
    const stream = openStream(session, server);
    const own = { session, view: server };
    expect((await send(routing, 'resources/subscribe', { uri: URI }, own).ended).result).toEqual({});
    const listener = await listen('crash', { resourceSubscriptions: [URI], toolsListChanged: true }, server);
    const crash = { name: 'probe_exit', arguments: {} };
    expect((await send(routing, 'tools/call', crash, own).ended).error?.code).toBe('OUTCOME_UNKNOWN');
    // Nobody knows what changed meanwhile, so the first news is that it may have.
    await stream.next(isUpdate);
    const before = stream.messages.filter(isUpdate).length;
    const touch = { name: 'test_trigger_resource_update', arguments: { uri: URI } };
    expect((await send(routing, 'tools/call', touch, own).ended).result).toBeDefined();
    await expect.poll(() => stream.messages.filter(isUpdate).length).toBe(before + 1);
    for (const each of [stream, listener]) each.handle.cancel('client');
  },
);

test('a drain ends listens in order', async () => {
  const own = startRoutingHarness({ new: fixtureCommand({ era: 'modern' }) });
  const options = { ...asModern(), clientRequestId: '"last"', timeoutMs: 0 };
  const stream = send(
    own,
    'subscriptions/listen',
    modern({ notifications: { toolsListChanged: true } }),
    options,
  );
  await stream.next(() => true);
  await own.drain(5_000);
  expect((await stream.ended).result).toEqual({ resultType: 'complete', _meta: { [ID]: 'last' } });
  await own.close();
});
