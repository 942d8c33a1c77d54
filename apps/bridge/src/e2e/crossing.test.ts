import { Pool } from 'undici';
import { afterAll, expect, test } from 'vitest';
import { echoServerCommand, modernRequest, startEchoHttp } from '@mcp-bridge/testkit';
import { startBridge } from './running-bridge.js';

const CLIENTS = 1_000;
const CALLS = 100;
/** Requests on their way at once; each client has one. */
const CONCURRENCY = 250;

const upstream = await startEchoHttp();
const bridge = await startBridge({
  topology: 'two',
  servers: {
    pipe: { ...echoServerCommand(), isolation: 'shared' },
    old: { ...echoServerCommand({ era: 'legacy' }), isolation: 'shared' },
    http: { url: upstream.url },
  },
});
const pool = new Pool(new URL(bridge.url).origin, { connections: 64, pipelining: 1 });
afterAll(async () => {
  await pool.destroy();
  await bridge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Reply {
  readonly id: unknown;
  readonly result?: { readonly content: readonly { readonly text: string }[] };
}

const SERVERS = ['pipe', 'old', 'http'];

async function post(
  headers: Record<string, string>,
  body: object,
): Promise<{ session: string; reply: Reply }> {
  const response = await pool.request({
    path: '/mcp',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const text = await response.body.text();
  const json = text.startsWith('{') ? text : text.slice(text.lastIndexOf('data: ') + 6);
  return { session: String(response.headers['mcp-session-id'] ?? ''), reply: JSON.parse(json) as Reply };
}

/** Every client of a kind of its own: an era, a server, always id 1. */
async function runClient(client: number): Promise<number> {
  const isModern = client % 2 === 0;
  const name = `${SERVERS[client % SERVERS.length]}__echo`;
  let headers: Record<string, string> = {};
  if (!isModern) {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: `c${client}`, version: '1' },
    };
    const { session } = await post({}, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
    headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  }
  let wrong = 0;
  for (let call = 0; call < CALLS; call += 1) {
    const text = `client ${client} call ${call}`;
    const params = { name, arguments: { text } };
    const modern = modernRequest('tools/call', params, { id: 1 });
    const { reply } = isModern
      ? await post(modern.headers as Record<string, string>, modern.body)
      : await post(headers, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    if (reply.id !== 1 || reply.result?.content[0]?.text !== text) wrong += 1;
  }
  return wrong;
}

test("a thousand clients that all use id 1 never get each other's replies", async () => {
  let next = 0;
  let wrong = 0;
  let finished = 0;
  const worker = async (): Promise<void> => {
    for (let client = next++; client < CLIENTS; client = next++) {
      wrong += await runClient(client);
      finished += 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  expect({ finished, wrong }).toEqual({ finished: CLIENTS, wrong: 0 });
}, 180_000);
