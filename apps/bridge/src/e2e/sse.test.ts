import { createRequire } from 'node:module';
import { afterAll, expect, test } from 'vitest';
import {
  connectLegacyClient,
  connectModernClient,
  connectSseClient,
  fixtureCommand,
  freePort,
  sendRaw,
  spawnService,
  startFixtureSse,
} from '@mcp-bridge/testkit';
import { startBridge } from './running-bridge.js';

const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
const port = await freePort();
const upstream = await spawnService(process.execPath, [everything, 'sse'], {
  env: { PORT: String(port) },
  readyPattern: /running on port/,
});
const fixture = await startFixtureSse();
const bridge = await startBridge({
  topology: 'two',
  servers: {
    everything: { url: `http://127.0.0.1:${port}/sse` },
    old: { url: fixture.url, transport: 'sse' },
    modern: fixtureCommand({ era: 'modern' }),
  },
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
  await upstream.kill();
});

const SSE_URL = bridge.url.replace(/\/mcp$/, '/sse');
const ANSWERS = { answers: { sampling: () => 'the model says' } };
const SAMPLING = { name: 'test_sampling', arguments: { prompt: 'say it' } };
const ECHO = { name: 'everything__echo', arguments: { message: 'hello' } };

test('a client of 2024-11-05 uses servers of every kind', async () => {
  await using sse = await connectSseClient(SSE_URL, ANSWERS);
  const { tools } = await sse.client.listTools();
  expect(new Set(tools.map(({ name }) => name.split('__')[0]))).toEqual(
    new Set(['everything', 'old', 'modern']),
  );
  expect(JSON.stringify(await sse.client.callTool(ECHO))).toContain('hello');
  for (const server of ['old', 'modern']) {
    const asked = await sse.client.callTool({ ...SAMPLING, name: `${server}__${SAMPLING.name}` });
    expect(JSON.stringify(asked)).toContain('the model says');
  }
}, 60_000);

test('it sees progress and cancels, in the view of one server', async () => {
  await using sse = await connectSseClient(`${SSE_URL}/modern`);
  const progress: number[] = [];
  const sleep = { name: 'probe_sleep', arguments: { ms: 300, steps: 3 } };
  await sse.client.callTool(sleep, undefined, { onprogress: ({ progress: now }) => progress.push(now) });
  // The SDK drops a notification that its reply overtakes within one chunk; the last one leaves with the reply.
  expect(progress.slice(0, 2)).toEqual([1, 2]);
  const abort = new AbortController();
  const cancelled = sse.client.callTool(
    { name: 'probe_sleep', arguments: { ms: 60_000, steps: 600 } },
    undefined,
    { signal: abort.signal, onprogress: () => abort.abort('enough') },
  );
  await expect(cancelled).rejects.toThrow(/enough/);
  await expect
    .poll(async () => JSON.stringify(await sse.client.callTool({ name: 'probe_effects', arguments: {} })))
    .toContain('sleep-cancelled');
}, 60_000);

test('clients of Streamable HTTP, both eras, use servers of HTTP+SSE', async () => {
  await using legacy = await connectLegacyClient(bridge.url, ANSWERS);
  await using modern = await connectModernClient(bridge.url, ANSWERS);
  for (const { client } of [legacy, modern]) {
    expect(JSON.stringify(await client.callTool(ECHO))).toContain('hello');
    const asked = await client.callTool({ ...SAMPLING, name: `old__${SAMPLING.name}` });
    expect(JSON.stringify(asked)).toContain('the model says');
  }
}, 60_000);

test('a server that lost its streams is used again, by the same sessions', async () => {
  await using sse = await connectSseClient(`${SSE_URL}/old`);
  await using modern = await connectModernClient(`${bridge.url}/old`);
  const sleep = { name: 'probe_sleep', arguments: { ms: 60_000, steps: 600 } };
  const lost: Promise<unknown>[] = [];
  await new Promise<void>((resolve) => {
    lost.push(sse.client.callTool(sleep, undefined, { onprogress: () => resolve() }));
  });
  await new Promise<void>((resolve) => {
    lost.push(modern.client.callTool(sleep, { onprogress: () => resolve() }));
  });
  const endings = Promise.allSettled(lost);
  fixture.cutStreams();
  expect(await endings).toMatchObject([{ reason: { code: -31005 } }, { reason: { code: -31005 } }]);
  const echo = { name: 'echo', arguments: { text: 'still here' } };
  for (const { client } of [sse, modern]) {
    expect(JSON.stringify(await client.callTool(echo))).toContain('still here');
  }
}, 60_000);

test('pages of other origins get nothing, and foreign tokens lead nowhere', async () => {
  const page = { origin: 'https://evil.example' };
  expect((await sendRaw(SSE_URL, { method: 'GET', headers: page })).status).toBe(403);
  const token = SSE_URL.replace(/sse$/, `messages/${'x'.repeat(22)}`);
  expect((await sendRaw(token, { body: { jsonrpc: '2.0', id: 1, method: 'ping' } })).status).toBe(404);
});
