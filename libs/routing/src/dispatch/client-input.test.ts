import { createRequire } from 'node:module';
import { fixtureCommand } from '@mcp-bridge/testkit';
import { afterAll, expect, test, vi } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';
import type { CallInFlight, Outcome } from '../routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const routing = startRoutingHarness({
  everything: { command: process.execPath, args: [everything, 'stdio'] },
  new: fixtureCommand({ era: 'modern' }),
  old: fixtureCommand({ era: 'legacy' }),
  shared: { ...fixtureCommand({ era: 'legacy' }), isolation: 'shared' },
});
afterAll(() => routing.close());

type Json = Record<string, unknown>;
const PRINCIPAL = { tenant: 'test', id: 'alice' };
const isQuestion = (message: Json): boolean => 'id' in message && 'method' in message;
const textOf = ({ result }: Outcome): string => JSON.stringify(result?.['content']);

async function answer(call: CallInFlight, session: string, result: Json): Promise<Json> {
  const question = await call.next(isQuestion);
  const message = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: question['id'], result }));
  routing.handler.input({ principal: PRINCIPAL, view: '', session, message });
  return question;
}

test('a legacy client confirms to a modern server, whose sealed state comes back as it was', async () => {
  const session = 'confirming';
  const params = { name: 'new__test_input_required_result_request_state', arguments: {} };
  const call = send(routing, 'tools/call', params, { session, capabilities: '{"elicitation":{}}' });
  const question = await answer(call, session, { action: 'accept', content: { ok: true } });
  expect(question['method']).toBe('elicitation/create');
  // The server checks a MAC over the state.
  expect(textOf(await call.ended)).toContain('state-ok');
});

test('a modern client gets the state of a modern server as it is, and may send it back', async () => {
  const capabilities = { elicitation: {} };
  const params = modern(
    { name: 'new__test_input_required_result_request_state', arguments: {} },
    capabilities,
  );
  const { result } = await send(routing, 'tools/call', params, asModern(capabilities)).ended;
  expect(result).toMatchObject({ resultType: 'input_required' });
  const [key] = Object.keys(result?.['inputRequests'] as Json);
  const inputResponses = { [key ?? '']: { action: 'accept', content: { ok: true } } };
  const retry = { ...params, inputResponses, requestState: result?.['requestState'] };
  expect(textOf(await send(routing, 'tools/call', retry, asModern(capabilities)).ended)).toContain(
    'state-ok',
  );
});

test('a legacy client is not asked for what it did not declare', async () => {
  for (const name of ['old__test_missing_capability', 'shared__test_missing_capability']) {
    const { messages, result, error } = await send(
      routing,
      'tools/call',
      { name },
      { capabilities: '{"roots":{}}' },
    ).ended;
    expect(messages.filter(isQuestion)).toEqual([]);
    expect(error ?? result).toBeDefined();
  }
});

test.each(['new', 'old'])('a modern client hears which capability server %s needs', async (server) => {
  const params = modern({ name: `${server}__test_missing_capability` });
  const { error } = await send(routing, 'tools/call', params, asModern()).ended;
  expect([error?.rpcCode, error?.data]).toEqual([-32021, '{"requiredCapabilities":{"sampling":{}}}']);
});

test('each question goes to the session whose call caused it, under an id of its own', async () => {
  const capabilities = '{"sampling":{}}';
  const params = { name: 'old__test_sampling', arguments: { prompt: 'p' } };
  const sessions = ['first', 'second', 'third'];
  const calls = sessions.map((session) => send(routing, 'tools/call', params, { session, capabilities }));
  const questions = await Promise.all(calls.map((call) => call.next(isQuestion)));
  expect(new Set(questions.map((question) => question['id'])).size).toBe(3);
  for (const [index, call] of calls.entries()) {
    expect(call.messages.filter(isQuestion)).toHaveLength(1);
    const content = { type: 'text', text: `by ${sessions[index]}` };
    await answer(call, sessions[index] ?? '', { role: 'assistant', model: 'm', content });
  }
  for (const [index, call] of calls.entries())
    expect(textOf(await call.ended)).toContain(`by ${sessions[index]}`);
});

test('a connection that several clients share asks none of them', async () => {
  const params = { name: 'shared__test_sampling', arguments: { prompt: 'p' } };
  const { messages } = await send(routing, 'tools/call', params, { capabilities: '{"sampling":{}}' }).ended;
  expect(messages.filter(isQuestion)).toEqual([]);
});

test('a legacy server hears that the roots of its client changed, and asks again', async () => {
  const session = 'roots';
  const declared = { session, capabilities: '{"roots":{"listChanged":true}}' };
  const stream = send(routing, 'session/stream', {}, { ...declared, timeoutMs: 0, clientRequestId: 'null' });
  const call = send(
    routing,
    'tools/call',
    { name: 'everything__trigger-long-running-operation', arguments: { duration: 30, steps: 1 } },
    declared,
  );
  const questions = (): Json[] => [...stream.messages, ...call.messages].filter(isQuestion);
  await expect
    .poll(() => questions().map((question) => question['method']), { timeout: 20_000 })
    .toEqual(['roots/list']);
  const post = (message: Json): void =>
    routing.handler.input({
      principal: PRINCIPAL,
      view: '',
      session,
      message: Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })),
    });
  post({ id: questions()[0]?.['id'], result: { roots: [] } });
  post({ method: 'notifications/roots/list_changed' });
  await expect.poll(() => questions().length).toBe(2);
  call.handle.cancel('client');
  stream.handle.cancel('client');
});
