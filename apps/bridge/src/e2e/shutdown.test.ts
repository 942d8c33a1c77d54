import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { descendantsOf, isRunning, openLegacySession, sendRaw, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from './running-bridge.js';

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const servers = { all: { command: process.execPath, args: [everything, 'stdio'] } };

test('Ctrl-C answers what was accepted, ends open streams and leaves no child process', async () => {
  const bridge = await startBridge({ servers });
  const session = await openLegacySession(bridge.url);
  await session.request('tools/list');
  const stream = await session.listen();
  await using call = await session.open('tools/call', {
    name: 'all__trigger-long-running-operation',
    arguments: { duration: 1.5, steps: 3 },
    _meta: { progressToken: 1 },
  });
  // From here on the call has been accepted, and is at work in a process of its own.
  expect(await call.nextMessage()).toMatchObject({ method: 'notifications/progress' });
  const children = descendantsOf(bridge.gateway.pid);
  expect(children.length).toBeGreaterThanOrEqual(2);
  const stopped = bridge.gateway.stop({ signal: 'SIGINT', graceMs: 20_000 });
  const reply = await call.nextMessage(({ result }) => result !== undefined);
  expect(reply?.result).toBeDefined();
  // Resolves only when the stream has ended.
  await stream.text();
  expect(await stopped).toEqual({ code: 0, signal: null });
  // The guard over the servers leaves when it sees the bridge gone.
  await waitFor(() => !children.some(isRunning), { timeoutMs: 2_000, what: 'the end of every child' });
  await bridge[Symbol.asyncDispose]();
}, 60_000);

test('a server whose command does not exist is reported alone, the others serve', async () => {
  const bridge = await startBridge({ servers: { ...servers, broken: { command: '/does/not/exist' } } });
  const session = await openLegacySession(bridge.url);
  const { message } = await session.request('tools/list');
  const names = (message.result?.['tools'] as { name: string }[]).map(({ name }) => name);
  expect(names).toContain('all__echo');
  const upstreams = (message.result?.['_meta'] as Record<string, Record<string, unknown>>)[
    'io.mcp-bridge/upstreams'
  ];
  expect(JSON.stringify(upstreams?.['broken'])).toContain('/does/not/exist');
  const { message: refused } = await session.request('tools/call', { name: 'broken__x', arguments: {} });
  expect(refused.error?.code).toBe(-31001);
  await bridge[Symbol.asyncDispose]();
}, 60_000);

test('a hostile Origin is refused on every route, whatever the Host', async () => {
  const bridge = await startBridge({ servers });
  const { origin } = new URL(bridge.url);
  const headers = { origin: 'https://evil.example' };
  for (const path of ['/mcp', '/mcp/all', '/mcp/nowhere', '/', '/sse', '/messages']) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const { status } = await sendRaw(`${origin}${path}`, {
        method,
        headers,
        ...(method === 'POST' && { body: {} }),
      });
      expect(`${method} ${path} ${status}`).toBe(`${method} ${path} 403`);
    }
  }
  await bridge[Symbol.asyncDispose]();
}, 60_000);
