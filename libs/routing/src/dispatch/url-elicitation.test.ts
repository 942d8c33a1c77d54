import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { asModern, modern, send, startRoutingHarness } from '../routing-harness.js';

type Json = Record<string, unknown>;
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly inputResponses?: Json };
}

const URL_WITH_SECRETS = 'https://login.example/a%20b?state=%7Bx%7D&n=1#top';
const ASK = { mode: 'url', message: 'Log in', url: URL_WITH_SECRETS };
const servers: Server[] = [];

async function serve(answer: (message: Message, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(JSON.parse(Buffer.concat(chunks).toString()) as Message, response));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

function reply(response: ServerResponse, status: number, id: number | undefined, member: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...member }));
}

/** Says on the stream of a call that an elicitation is complete, and answers with the error that asks for another. */
const old = await serve(({ id, method }, response) => {
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'initialize') {
    const result = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'o', version: '1' },
    };
    return reply(response, 200, id, { result });
  }
  if (method !== 'tools/call') return reply(response, 400, id, { error: { code: -32601, message: 'No' } });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const complete = { method: 'notifications/elicitation/complete', params: { elicitationId: 'e1' } };
  const error = {
    code: -32042,
    message: 'Log in',
    data: { elicitations: [{ ...ASK, elicitationId: 'e2' }] },
  };
  for (const message of [complete, { id, error }])
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  response.end();
});

/** Asks its caller to open a URL, and answers what the caller said of it. */
const recent = await serve(({ id, method, params }, response) => {
  const about = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' };
  if (method === 'server/discover') {
    reply(response, 200, id, {
      result: { ...about, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    });
  } else if (method === 'tools/list')
    reply(response, 200, id, { result: { ...about, tools: [{ name: 'login' }] } });
  else if (method !== 'tools/call') reply(response, 400, id, { error: { code: -32020, message: 'No' } });
  else if (params?.inputResponses === undefined) {
    const inputRequests = { login: { method: 'elicitation/create', params: ASK } };
    reply(response, 200, id, { result: { resultType: 'input_required', inputRequests } });
  } else {
    const text = JSON.stringify(params.inputResponses);
    reply(response, 200, id, { result: { resultType: 'complete', content: [{ type: 'text', text }] } });
  }
});

const routing = startRoutingHarness({ old: { url: old }, recent: { url: recent } });
afterAll(async () => {
  await routing.close();
  for (const server of servers) server.close();
});

const DECLARED = { elicitation: { form: {}, url: {} } };
const isQuestion = (message: Json): boolean => 'id' in message && 'method' in message;

test('what only 2025-11-25 knows of URL elicitation reaches legacy clients alone', async () => {
  const call = { name: 'login', arguments: {} };
  const legacy = await send(routing, 'tools/call', call, { view: 'old' }).ended;
  expect(legacy.messages.map((message) => message['method'])).toEqual(['notifications/elicitation/complete']);
  expect(legacy.error?.rpcCode).toBe(-32042);
  const stateless = await send(routing, 'tools/call', modern(call), { ...asModern(), view: 'old' }).ended;
  expect(stateless.messages).toEqual([]);
  expect(stateless.error?.rpcCode).toBe(-32602);
});

test('the URL that a modern server wants opened reaches both clients as it is', async () => {
  const call = { name: 'login', arguments: {} };
  const options = { ...asModern(DECLARED), view: 'recent' };
  const { result } = await send(routing, 'tools/call', modern(call, DECLARED), options).ended;
  expect(result).toMatchObject({ inputRequests: { login: { params: ASK } } });
  const session = 's';
  const held = send(routing, 'tools/call', call, {
    session,
    view: 'recent',
    capabilities: JSON.stringify(DECLARED),
  });
  const question = await held.next(isQuestion);
  expect(question).toMatchObject({ params: { ...ASK, elicitationId: expect.any(String) as string } });
  const message = Buffer.from(
    JSON.stringify({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept' } }),
  );
  routing.handler.input({ principal: { tenant: 'test', id: 'alice' }, view: 'recent', session, message });
  const { result: final } = await held.ended;
  expect(final).toMatchObject({ content: [{ text: '{"login":{"action":"accept"}}' }] });
});

test.each([
  ['none', {}],
  ['form', { elicitation: {} }],
])('a client that declared %s is asked for no URL', async (_what, declared) => {
  const call = { name: 'login', arguments: {} };
  const options = { ...asModern(declared), view: 'recent' };
  const stateless = await send(routing, 'tools/call', modern(call, declared), options).ended;
  expect(stateless.error?.rpcCode).toBe(-32021);
  const capabilities = JSON.stringify(declared);
  const legacy = await send(routing, 'tools/call', call, { view: 'recent', capabilities, session: 't' })
    .ended;
  expect(legacy.messages).toEqual([]);
  expect(legacy.error?.code).toBe('UPSTREAM_PROTOCOL');
});
