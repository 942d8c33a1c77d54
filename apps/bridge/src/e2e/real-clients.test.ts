import { createRequire } from 'node:module';
import { afterAll, expect, test } from 'vitest';
import {
  connectLegacyClient,
  connectModernClient,
  createTempFolder,
  fixtureCommand,
} from '@mcp-bridge/testkit';
import type { EraMode } from '@mcp-bridge/testkit';
import { startBridge } from './running-bridge.js';

const { resolve } = createRequire(import.meta.url);
const npmServer = (name: string, ...args: string[]) => ({
  command: process.execPath,
  args: [resolve(`@modelcontextprotocol/server-${name}/dist/index.js`), ...args],
});

const folder = await createTempFolder();
await folder.write('hello.txt', 'hello from a file');
const bridge = await startBridge({
  topology: 'two',
  servers: {
    everything: npmServer('everything', 'stdio'),
    files: npmServer('filesystem', folder.path),
    memory: { ...npmServer('memory'), env: { MEMORY_FILE_PATH: `${folder.path}/memory.jsonl` } },
    legacy: fixtureCommand({ era: 'legacy' }),
    modern: fixtureCommand({ era: 'modern' }),
  },
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const ANSWERS = {
  sampling: () => 'the model says',
  elicitation: () => ({ username: 'ada', email: 'ada@example.org', response: 'yes' }),
  roots: () => [`file://${folder.path}`],
};

interface AnyClient {
  listTools(): Promise<{ tools: readonly { name: string }[] }>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
}

async function usesEveryServer(client: AnyClient): Promise<void> {
  const { tools } = await client.listTools();
  const names = new Set(tools.map(({ name }) => name));
  for (const name of [
    'everything__echo',
    'files__read_text_file',
    'memory__create_entities',
    'modern__test_simple_text',
  ]) {
    expect(names).toContain(name);
  }
  const echoed = await client.callTool({ name: 'everything__echo', arguments: { message: 'ping' } });
  expect(JSON.stringify(echoed)).toContain('ping');
  const path = `${folder.path}/hello.txt`;
  const read = await client.callTool({ name: 'files__read_text_file', arguments: { path } });
  expect(JSON.stringify(read)).toContain('hello from a file');
  const entities = [{ name: 'Ada', entityType: 'person', observations: ['counts'] }];
  await client.callTool({ name: 'memory__create_entities', arguments: { entities } });
  const graph = await client.callTool({ name: 'memory__read_graph', arguments: {} });
  expect(JSON.stringify(graph)).toContain('counts');
}

test('a 1.32 client uses servers from npm through the default view', async () => {
  await using legacy = await connectLegacyClient(bridge.url, { answers: ANSWERS });
  await usesEveryServer(legacy.client);
}, 60_000);

test('a 2.4 client that negotiates does the same as a stateless one', async () => {
  await using modern = await connectModernClient(bridge.url, { answers: ANSWERS, negotiation: 'auto' });
  await usesEveryServer(modern.client);
}, 60_000);

test.each(['legacy', 'modern'] satisfies EraMode[])(
  'both eras of clients answer a %s server in mid-call',
  async (era) => {
    const call = { name: 'test_sampling', arguments: { prompt: 'say it' } };
    await using old = await connectLegacyClient(`${bridge.url}/${era}`, { answers: ANSWERS });
    expect(JSON.stringify(await old.client.callTool(call))).toContain('the model says');
    await using stateless = await connectModernClient(`${bridge.url}/${era}`, { answers: ANSWERS });
    expect(JSON.stringify(await stateless.client.callTool(call))).toContain('the model says');
  },
  60_000,
);
