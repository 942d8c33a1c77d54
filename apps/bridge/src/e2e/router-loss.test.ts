import { createRequire } from 'node:module';
import { afterAll, expect, test } from 'vitest';
import { descendantsOf, isRunning, openLegacySession, sendRaw, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from './running-bridge.js';

const IN_FLIGHT = 200;
const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const bridge = await startBridge({
  topology: 'two',
  servers: { all: { command: process.execPath, args: [everything, 'stdio'], isolation: 'shared' } },
});
afterAll(() => bridge[Symbol.asyncDispose]());

test('row 8: SIGKILL of the router answers every call, and its session goes on without initialize', async () => {
  const session = await openLegacySession(bridge.url);
  const slow = { name: 'all__trigger-long-running-operation', arguments: { duration: 60, steps: 1 } };
  const calls = Array.from({ length: IN_FLIGHT }, (_, index) =>
    sendRaw(bridge.url, {
      headers: session.headers,
      body: { jsonrpc: '2.0', id: `slow-${index}`, method: 'tools/call', params: slow },
      timeoutMs: 30_000,
    }),
  );
  // A short call after them: when it is answered, they have all been sent upstream.
  const echo = { name: 'all__echo', arguments: { message: 'before' } };
  expect((await session.request('tools/call', echo)).message.result).toBeDefined();

  const servers = descendantsOf(bridge.router.pid);
  const killedAt = performance.now();
  await bridge.router.kill();
  const replies = await Promise.all(calls);
  const answeredMs = performance.now() - killedAt;
  expect(new Set(replies.map(({ message }) => message.id)).size).toBe(IN_FLIGHT);
  expect(
    replies.filter(({ message }) => message.result === undefined && message.error?.code !== -31005),
  ).toEqual([]);
  expect(answeredMs).toBeLessThan(1_500);

  await waitFor(() => !servers.some(isRunning), { what: 'the end of the servers of the dead router' });

  await bridge.restartRouter();
  const after = await session.request('tools/call', { name: 'all__echo', arguments: { message: 'after' } });
  expect(after.status).toBe(200);
  expect(JSON.stringify(after.message.result)).toContain('after');
}, 120_000);
