import { createInProcessLink } from '@mcp-bridge/link';
import { fixtureCommand } from '@mcp-bridge/testkit';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { configSchema } from '@mcp-bridge/service';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';
import type { Outcome } from '../routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 40_000 });

const LEGACY = fixtureCommand({ era: 'legacy' });
const SERVERS = { old: { ...LEGACY, isolation: 'shared' }, own: { ...LEGACY, isolation: 'session' } };
const BROKEN = { broken: { command: 'no-such-command' } };
const VIEWS = {
  half: { servers: ['old', 'broken'] },
  whole: { servers: ['old'] },
  own: { servers: ['own'] },
};
const routing = startRoutingHarness({ ...SERVERS, ...BROKEN }, { views: VIEWS });
const link = createInProcessLink(routing.handler);
afterAll(async () => {
  await link[Symbol.asyncDispose]();
  await routing.close();
});

const ask = (method: string, view = 'whole', params = {}): Promise<Outcome> =>
  send(routing, method, modern(params), { ...asModern(), view }).ended;

/** The names that a gateway in this process gets. */
async function namesAtGateway(): Promise<string[]> {
  const viaLink = { ...routing, handler: link };
  const { result } = await send(viaLink, 'tools/list', modern({}), { ...asModern(), view: 'whole' }).ended;
  return (result?.['tools'] as { name: string }[]).map(({ name }) => name);
}

test('lists and descriptions may be kept while they are fresh', async () => {
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'server/discover']) {
    // The first answer comes while servers still introduce themselves; a later one says how long it holds.
    await expect.poll(async () => (await ask(method)).keep?.forMs ?? 0).toBeGreaterThan(200_000);
    expect((await ask(method)).keep?.forMs).toBeLessThanOrEqual(300_000);
  }
});

test('what a cursor or a missing server has a part in is not kept', async () => {
  expect((await ask('tools/list', 'half')).keep).toBeUndefined();
  expect((await ask('server/discover', 'half')).keep).toBeUndefined();
  expect((await ask('tools/list', 'whole', { cursor: 'none' })).keep).toBeUndefined();
});

describe('the list of a legacy session', () => {
  const list = (session: string): Promise<Outcome> =>
    send(routing, 'tools/list', {}, { view: 'own', session }).ended;

  /** Sessions that may not be given what is kept any more, from now on. */
  function watchSessions(): string[] {
    const stale: string[] = [];
    const end = routing.handler.watchStale?.({ onStale() {}, onSessionStale: (one) => stale.push(one) });
    onTestFinished(() => end?.());
    return stale;
  }

  test('may be kept until the session ends', async () => {
    const stale = watchSessions();
    await expect.poll(async () => (await list('ending')).keep?.forMs ?? 0).toBeGreaterThan(200_000);
    expect(stale).toEqual([]);
    await send(routing, 'session/end', {}, { view: 'own', session: 'ending' }).ended;
    expect(stale).toEqual(['ending']);
    expect((await list('ending')).error?.code).toBe('SESSION_NOT_FOUND');
  });

  test('may be kept until the session has a process of its own', async () => {
    const stale = watchSessions();
    await expect.poll(async () => (await list('growing')).keep?.forMs ?? 0).toBeGreaterThan(200_000);
    const call = { name: 'test_simple_text', arguments: {} };
    for (let at = 0; at < 2; at++) {
      await send(routing, 'tools/call', call, { view: 'own', session: 'growing' }).ended;
    }
    expect(stale).toEqual(['growing']);
    expect((await list('growing')).keep).toBeUndefined();
  });
});

test('a gateway gives a kept list no more once it changed', async () => {
  const before = await namesAtGateway();
  await expect.poll(namesAtGateway).toEqual(before);
  const stale: number[] = [];
  const end = routing.handler.watchStale?.({
    onStale: (epoch) => stale.push(epoch),
    onSessionStale() {},
  });
  const { keep } = await ask('tools/list');
  const change = { name: 'old__test_trigger_tool_change', arguments: {} };
  await send(routing, 'tools/call', change, { view: 'whole', session: 'changing' }).ended;
  await expect.poll(namesAtGateway).toContain('old__test_changed_tool');
  expect(Math.max(...stale)).toBeGreaterThan(keep?.epoch ?? 0);
  end?.();
});

test('a gateway gives a kept list no more once its view is another', async () => {
  const before = await namesAtGateway();
  expect(before).not.toEqual([]);
  const views = { ...VIEWS, whole: { servers: ['old'], tools: { deny: ['*'] } } };
  const config = configSchema.parse({ servers: { ...SERVERS, ...BROKEN }, views });
  routing.reconfigure({ config, cause: 'signal' });
  expect(await namesAtGateway()).toEqual([]);
});
