import { fixtureCommand, modernRequest, openLegacySession, openRaw, sendRaw } from '@mcp-bridge/testkit';
import type { LegacySession } from '@mcp-bridge/testkit';
import { afterAll, expect, test } from 'vitest';
import { startBridge } from './running-bridge.js';

const bridge = await startBridge({
  topology: 'two',
  servers: { old: fixtureCommand({ era: 'legacy' }), new: fixtureCommand({ era: 'modern' }) },
});
afterAll(() => bridge[Symbol.asyncDispose]());

const SLEEP = { name: 'probe_sleep', arguments: { ms: 60_000, steps: 1_000 }, _meta: { progressToken: 't' } };

async function effectsIn(session: LegacySession): Promise<Record<string, number>> {
  const { message } = await session.request('tools/call', { name: 'probe_effects', arguments: {} });
  const [content] = message.result?.['content'] as [{ text: string }];
  return JSON.parse(content.text) as Record<string, number>;
}

test.each(['old', 'new'])(
  'a call that its client cancels ends without a reply, here and at server %s',
  async (server) => {
    const session = await openLegacySession(`${bridge.url}/${server}`);
    const before = (await effectsIn(session))['sleep-cancelled'] ?? 0;
    await using stream = await session.open('tools/call', SLEEP, 'slow');
    await stream.nextMessage(({ method }) => method === 'notifications/progress');
    await session.post({ method: 'notifications/cancelled', params: { requestId: 'unknown' } });
    await session.post({ method: 'notifications/cancelled', params: { requestId: 'slow' } });
    // The stream ends; no message with this id comes before.
    expect(await stream.nextMessage(({ id }) => id === 'slow')).toBeUndefined();
    await expect.poll(async () => (await effectsIn(session))['sleep-cancelled']).toBe(before + 1);
  },
  60_000,
);

test('a legacy client that goes away cancels nothing, a modern one its call', async () => {
  const session = await openLegacySession(`${bridge.url}/new`);
  const before = (await effectsIn(session))['sleep-cancelled'] ?? 0;
  const short = { ...SLEEP, arguments: { ms: 1_000, steps: 10 } };
  const done = (await effectsIn(session))['sleep-done'] ?? 0;
  const left = await session.open('tools/call', short);
  await left.nextMessage(({ method }) => method === 'notifications/progress');
  left.close();
  await expect.poll(async () => (await effectsIn(session))['sleep-done'], { timeout: 10_000 }).toBe(done + 1);
  expect((await effectsIn(session))['sleep-cancelled'] ?? 0).toBe(before);
  const { name, arguments: args } = SLEEP;
  const request = modernRequest('tools/call', { name, arguments: args }, { progressToken: 1 });
  const stream = await openRaw(`${bridge.url}/new`, request);
  await stream.nextMessage(({ method }) => method === 'notifications/progress');
  stream.close();
  await expect.poll(async () => (await effectsIn(session))['sleep-cancelled']).toBe(before + 1);
}, 60_000);

test('a message goes out on one stream: of a call on its own, of no call on the GET stream', async () => {
  const session = await openLegacySession(`${bridge.url}/old`);
  await using general = await session.listen();
  const call = { name: 'probe_sleep', arguments: { ms: 60, steps: 3 }, _meta: { progressToken: 7 } };
  await using stream = await session.open('tools/call', call, 'mine');
  const progress: unknown[] = [];
  const reply = await stream.nextMessage(({ id, params }) => {
    if (params !== undefined) progress.push(params['progressToken']);
    return id === 'mine';
  });
  expect(reply?.result).toBeDefined();
  expect(progress).toEqual([7, 7, 7]);
  await session.request('tools/call', { name: 'test_trigger_tool_change', arguments: {} });
  // The first that the GET stream brings is the change: nothing of the call came there.
  expect((await general.nextMessage())?.method).toBe('notifications/tools/list_changed');
}, 60_000);

test('what a POST answers is JSON in one piece or a stream that ends with the reply', async () => {
  const request = modernRequest('tools/call', { name: 'test_simple_text', arguments: {} });
  const { status, message } = await sendRaw(`${bridge.url}/new`, request);
  expect([status, message.id]).toEqual([200, 1]);
  await using stream = await openRaw(
    `${bridge.url}/new`,
    modernRequest(
      'tools/call',
      { name: 'probe_sleep', arguments: { ms: 30, steps: 2 } },
      { progressToken: 1 },
    ),
  );
  const seen: string[] = [];
  for (let next = await stream.nextMessage(); next !== undefined; next = await stream.nextMessage()) {
    seen.push(next.method ?? 'reply');
  }
  expect(seen).toEqual(['notifications/progress', 'notifications/progress', 'reply']);
}, 60_000);
