import { fixtureCommand, startFixtureHttp } from '@mcp-bridge/testkit';
import { afterAll, expect, test, vi } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const http = await startFixtureHttp();
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
const SERVERS = ['web', 'new', 'old'];
const levelsOf = (messages: readonly Json[]): unknown[] =>
  messages
    .filter((message) => message['method'] === 'notifications/message')
    .map((message) => (message['params'] as Json)['level']);

test.each(SERVERS)(
  'a modern client hears the log of %s at the level of its request, and else nothing',
  async (server) => {
    const filter = { toolsListChanged: true };
    const listen = send(routing, 'subscriptions/listen', modern({ notifications: filter }), {
      ...asModern(),
      clientRequestId: '"listen"',
      timeoutMs: 0,
    });
    await listen.next((message) => message['method'] === 'notifications/subscriptions/acknowledged');
    const call = modern({ name: `${server}__test_logging_tool`, arguments: {} });
    expect(levelsOf((await send(routing, 'tools/call', call, asModern()).ended).messages)).toEqual([]);
    (call['_meta'] as Json)['io.modelcontextprotocol/logLevel'] = 'error';
    expect(levelsOf((await send(routing, 'tools/call', call, asModern()).ended).messages)).toEqual(['error']);
    (call['_meta'] as Json)['io.modelcontextprotocol/logLevel'] = 'debug';
    expect(levelsOf((await send(routing, 'tools/call', call, asModern()).ended).messages)).toEqual([
      'debug',
      'info',
      'error',
    ]);
    expect(levelsOf(listen.messages)).toEqual([]);
    listen.handle.cancel('client');
  },
);

test('refuses a level that is none', async () => {
  const call = modern({ name: 'new__test_logging_tool', arguments: {} });
  (call['_meta'] as Json)['io.modelcontextprotocol/logLevel'] = 'loud';
  expect((await send(routing, 'tools/call', call, asModern()).ended).error?.rpcCode).toBe(-32602);
  expect((await send(routing, 'logging/setLevel', { level: 'loud' }).ended).error?.rpcCode).toBe(-32602);
});

test.each([...SERVERS, 'shared'])(
  'the level of one session does not silence another at %s',
  async (server) => {
    const [quiet, talkative] = [`quiet-${server}`, `talkative-${server}`];
    const call = { name: `${server}__test_logging_tool`, arguments: {} };
    await send(routing, 'logging/setLevel', { level: 'debug' }, { session: talkative }).ended;
    await send(routing, 'logging/setLevel', { level: 'error' }, { session: quiet }).ended;
    for (const [session, levels] of [
      [quiet, ['error']],
      [talkative, ['debug', 'info', 'error']],
      [quiet, ['error']],
    ] as const) {
      const { messages } = await send(routing, 'tools/call', call, { session }).ended;
      expect([session, levelsOf(messages)]).toEqual([session, levels]);
    }
  },
);

test.each([...SERVERS, 'shared'])(
  'callers of %s with one token get their own progress, all of it before the result',
  async (server) => {
    const params = {
      name: `${server}__probe_sleep`,
      arguments: { ms: 60, steps: 6 },
      _meta: { progressToken: 'same' },
    };
    const calls = Array.from({ length: 4 }, (_, n) =>
      send(routing, 'tools/call', params, { session: n < 2 ? 'one' : `other-${n}` }),
    );
    for (const call of calls) {
      const { messages, result } = await call.ended;
      const atTheEnd = messages.length;
      expect(result).toHaveProperty('content');
      expect(messages.map((message) => message['params'])).toMatchObject(
        [1, 2, 3, 4, 5, 6].map((progress) => ({ progress, progressToken: 'same' })),
      );
      await send(routing, 'tools/call', { name: `${server}__echo`, arguments: { text: 'x' } }).ended;
      expect(call.messages).toHaveLength(atTheEnd);
    }
  },
);

test('a call without a token gets no progress', async () => {
  const call = { name: 'shared__probe_sleep', arguments: { ms: 10, steps: 3 } };
  expect((await send(routing, 'tools/call', call).ended).messages).toEqual([]);
});
