import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fixtureCommand, startFixtureHttp } from '@mcp-bridge/testkit';
import { afterAll, expect, test, vi } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const http = await startFixtureHttp({ era: 'modern' });
const routing = startRoutingHarness({
  web: { url: http.url },
  new: fixtureCommand({ era: 'modern' }),
  old: fixtureCommand({ era: 'legacy' }),
  hasty: { ...fixtureCommand({ era: 'legacy' }), timeout: 300 },
});
afterAll(async () => {
  await routing.close();
  await http[Symbol.asyncDispose]();
});

type Json = Record<string, unknown>;

/** The JSON in the text of a tool's result. */
function told(result: Json | undefined): Json {
  const [content] = result?.['content'] as [{ text: string }];
  return JSON.parse(content.text) as Json;
}

async function effects(server: string, session: string): Promise<Json> {
  return told(
    (await send(routing, 'tools/call', { name: `${server}__probe_effects` }, { session }).ended).result,
  );
}

test('a modern HTTP server sees its own name in body and header, and the capabilities of the caller', async () => {
  const capabilities = { sampling: { tools: {} }, extensions: { 'com.example/x': {} } };
  const vendor = {
    'com.example/n': [1.5, { a: null }],
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  };
  const params = modern({ name: 'web__probe_context', arguments: {} }, capabilities);
  Object.assign(params['_meta'] as Json, vendor);
  const seen = told((await send(routing, 'tools/call', params, asModern(capabilities)).ended).result);
  expect(seen).toMatchObject({ era: 'modern', capabilities, meta: vendor });
  expect(seen['headers']).toMatchObject({
    'mcp-method': 'tools/call',
    'mcp-name': 'probe_context',
    'mcp-protocol-version': '2026-07-28',
    accept: 'application/json, text/event-stream',
  });
});

test.each(['web', 'new'])('a modern server %s sees the capabilities of a legacy client', async (server) => {
  const call = { name: `${server}__probe_context`, arguments: {} };
  const declared = {
    capabilities: '{"elicitation":{},"roots":{"listChanged":true}}',
    clientInfo: '{"name":"me","version":"3"}',
  };
  const { result } = await send(routing, 'tools/call', call, declared).ended;
  expect(told(result)).toMatchObject({
    era: 'modern',
    capabilities: { elicitation: {}, roots: { listChanged: true } },
    clientInfo: { name: 'me', version: '3' },
  });
});

test('a legacy server sees the capabilities of either client', async () => {
  const call = { name: 'old__probe_context', arguments: {} };
  const legacy = await send(routing, 'tools/call', call, { capabilities: '{"roots":{}}', session: 'roots' })
    .ended;
  expect(told(legacy.result)).toMatchObject({ era: 'legacy', capabilities: { roots: {} } });
  const capabilities = { sampling: {} };
  const stateless = await send(routing, 'tools/call', modern(call, capabilities), asModern(capabilities))
    .ended;
  expect(told(stateless.result)['capabilities']).toEqual({ sampling: {} });
});

test.each(['web', 'new', 'old'])('a client that leaves cancels its call at server %s', async (server) => {
  const session = `leaving-${server}`;
  const before = Number((await effects(server, session))['sleep-cancelled'] ?? 0);
  const call = { name: `${server}__probe_sleep`, arguments: { ms: 60_000, steps: 600 } };
  const inFlight = send(routing, 'tools/call', { ...call, _meta: { progressToken: 1 } }, { session });
  await inFlight.next((message) => message['method'] === 'notifications/progress');
  inFlight.handle.cancel('client');
  const after = inFlight.messages.length;
  await expect.poll(async () => (await effects(server, session))['sleep-cancelled']).toBe(before + 1);
  expect(inFlight.messages).toHaveLength(after);
});

test('a call ends at the limit of its server, whatever progress it reports, and is cancelled there', async () => {
  const session = 'hasty';
  // The first calls may end while the process is still starting.
  await expect.poll(() => effects('hasty', session).catch(() => undefined), { timeout: 20_000 }).toEqual({});
  const call = {
    name: 'hasty__probe_sleep',
    arguments: { ms: 60_000, steps: 1000 },
    _meta: { progressToken: 1 },
  };
  const { error, messages } = await send(routing, 'tools/call', call, { session }).ended;
  expect(error?.code).toBe('DEADLINE_EXCEEDED');
  expect(messages.length).toBeGreaterThan(0);
  await expect.poll(async () => (await effects('hasty', session))['sleep-cancelled']).toBe(1);
});

test.each(['', 'web', 'new'])(
  'a resource that nobody has in view "%s" has the code of the client',
  async (view) => {
    const params = { uri: 'test://no-such-resource' };
    expect((await send(routing, 'resources/read', params, { view }).ended).error?.rpcCode).toBe(-32002);
    const stateless = await send(routing, 'resources/read', modern(params), { ...asModern(), view }).ended;
    expect(stateless.error?.rpcCode).toBe(-32602);
  },
);

test('completion goes to the owner of the prompt or template, under the name that it knows', async () => {
  const argument = { name: 'arg1', value: 'par' };
  for (const server of ['web', 'new', 'old']) {
    const ref = { type: 'ref/prompt', name: `${server}__test_prompt_with_arguments` };
    const { result } = await send(routing, 'completion/complete', { ref, argument }).ended;
    expect(result).toMatchObject({ completion: { values: ['paris', 'park', 'party', 'parade'] } });
  }
  const ref = { type: 'ref/resource', uri: 'test://template/{id}/data' };
  const { result } = await send(routing, 'completion/complete', {
    ref,
    argument: { name: 'id', value: '12' },
  }).ended;
  expect(result).toMatchObject({ completion: { values: ['123', '124'] } });
  const unknown = { ref: { type: 'ref/prompt', name: 'nobody__p' }, argument };
  expect((await send(routing, 'completion/complete', unknown).ended).error?.rpcCode).toBe(-32602);
});

test('a tool whose headers changed is listed again, and its call sent once more', async () => {
  const calls: (string | undefined)[] = [];
  let annotated = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as { id: number; method: string };
      const reply = (status: number, member: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...member }));
      };
      const region = { type: 'string', ...(annotated && { 'x-mcp-header': 'Region' }) };
      const about = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public' };
      if (method === 'server/discover') {
        reply(200, { result: { ...about, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } });
      } else if (method === 'tools/list') {
        const tool = { name: 'where', inputSchema: { type: 'object', properties: { region } } };
        reply(200, { result: { ...about, tools: [tool] } });
      } else if (method === 'tools/call') {
        const header = request.headers['mcp-param-region'] as string | undefined;
        calls.push(header);
        if (header === undefined) reply(400, { error: { code: -32020, message: 'Header mismatch' } });
        else reply(200, { result: { resultType: 'complete', content: [] } });
      } else reply(400, { error: { code: -32020, message: 'No initialize here' } });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const own = startRoutingHarness({ changing: { url } });
  await send(own, 'tools/list', {}, { view: 'changing' }).ended;
  const call = { name: 'where', arguments: { region: 'eu' } };
  const refused = await send(own, 'tools/call', call, { view: 'changing' }).ended;
  expect([refused.error?.code, calls]).toEqual(['UPSTREAM_PROTOCOL', [undefined, undefined]]);
  annotated = true;
  const { result } = await send(own, 'tools/call', call, { view: 'changing' }).ended;
  expect(result).toEqual({ content: [] });
  expect(calls.slice(2)).toEqual([undefined, 'eu']);
  await own.close();
  await new Promise((resolve) => server.close(resolve));
});
