import { createRequire } from 'node:module';
import { afterAll, expect, test } from 'vitest';
import { createRouterClient } from '@mcp-bridge/link';
import { echoServerCommand, fixtureCommand, startFaultyHttp } from '@mcp-bridge/testkit';
import { startBridge } from './running-bridge.js';

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const urls = [await startFaultyHttp(), await startFaultyHttp()];
const bridge = await startBridge({
  topology: 'two',
  servers: {
    all: { command: process.execPath, args: [everything, 'stdio'] },
    echo: { ...echoServerCommand(), isolation: 'shared' },
    fixture: fixtureCommand({ era: 'modern' }),
    web: { url: urls.map(({ url }) => url), breaker: { failures: 1, openFor: '30s' } },
  },
});
const router = createRouterClient({ address: bridge.routerAddress, caller: { tenant: 'billing' } });
afterAll(async () => {
  router.close();
  await bridge[Symbol.asyncDispose]();
  for (const url of urls) await url.stop();
});

test('a service calls a tool of any server', async () => {
  const { content } = await router.call({ tool: 'all__echo', arguments: { message: 'hällo' } });
  expect(content[0]).toEqual({ type: 'text', text: 'Echo: hällo' });
  const own = await router.call({ view: 'echo', tool: 'echo', arguments: { text: 'unprefixed' } });
  expect(JSON.stringify(own.content)).toContain('unprefixed');
});

test('it hears progress before the result', async () => {
  const steps = [];
  const call = { tool: 'all__trigger-long-running-operation', arguments: { duration: 0.2, steps: 3 } };
  for await (const event of router.stream(call)) steps.push(event);
  expect(steps.map(({ type }) => type)).toEqual(['progress', 'progress', 'progress', 'result']);
  expect(steps[1]).toMatchObject({ progress: 2, total: 3 });
});

test('calls of a batch succeed and fail alone, in their order', async () => {
  const outcomes = await router.callBatch([
    { tool: 'echo__echo', arguments: { text: 'one' } },
    { tool: 'nobody__knows' },
    { tool: 'echo__echo', arguments: { text: 'three' } },
  ]);
  expect(JSON.stringify(outcomes[0])).toContain('one');
  expect(outcomes[1]).toMatchObject({ error: { rpcCode: -32602 } });
  expect(JSON.stringify(outcomes[2])).toContain('three');
});

test('errors keep the code of the bridge', async () => {
  await expect(router.call({ tool: 'nobody__knows' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  await expect(router.call({ tool: '' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  await expect(router.call({ view: 'nowhere', tool: 'x' })).rejects.toMatchObject({
    code: 'METHOD_NOT_FOUND',
  });
  const asks = { tool: 'fixture__test_sampling', arguments: { prompt: 'p' } };
  await expect(router.call(asks)).rejects.toMatchObject({ code: 'UPSTREAM_ERROR', rpcCode: -32021 });
  const slow = { tool: 'all__trigger-long-running-operation', arguments: { duration: 60, steps: 1 } };
  await expect(router.call(slow, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});

test('a cancelled call ends at once, here and at the router', async () => {
  const abort = new AbortController();
  const slow = { tool: 'all__trigger-long-running-operation', arguments: { duration: 60, steps: 60 } };
  const events = router.stream(slow, { signal: abort.signal })[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: 'progress' });
  abort.abort();
  await expect(events.next()).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('it lists tools and servers', async () => {
  const tools = await router.listTools('echo');
  expect(tools.map(({ name }) => name)).toEqual(['echo']);
  const servers = await router.listServers();
  expect(servers.map(({ name, state }) => `${name} ${state}`)).toContain('echo ready');
});

test('it tells which URLs of a server are called', async () => {
  await router.call({ tool: 'web__write', arguments: { tag: 1 } });
  await urls[1]?.stop();
  // One of two calls in turn meets it; what did not run may be sent to the other, or be refused.
  for (const tag of [2, 3])
    await router.call({ tool: 'web__write', arguments: { tag } }).catch(() => undefined);
  const web = (await router.listServers()).find(({ name }) => name === 'web');
  expect(web?.urls).toEqual([
    {
      origin: new URL(urls[0]?.url ?? '').origin,
      state: 'closed',
      inFlight: expect.any(Number) as number,
      openings: 0,
      reason: '',
    },
    {
      origin: new URL(urls[1]?.url ?? '').origin,
      state: 'open',
      inFlight: 0,
      openings: 1,
      reason: expect.stringMatching(/ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/),
    },
  ]);
}, 60_000);
