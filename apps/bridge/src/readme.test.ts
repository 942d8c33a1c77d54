import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type SpawnedService, spawnService } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const README_URL = 'http://127.0.0.1:8080/mcp';
let bridge: SpawnedService;

beforeAll(async () => {
  const args = [
    'apps/bridge/bin/mcp-bridge.mjs',
    'start',
    '-c',
    'apps/bridge/examples/bridge.yaml',
    '-p',
    '0',
  ];
  bridge = await spawnService(process.execPath, args, {
    cwd: root,
    env: { MCP_BRIDGE_ADMIN__PORT: '0', MCP_BRIDGE_GATEWAY__TCP__PORT: '0' },
    readyPattern: /^MCP Bridge serves (\S+)$/,
    readyTimeoutMs: 60_000,
  });
});
afterAll(() => bridge[Symbol.asyncDispose]());

const snippets = [...readFileSync(`${root}/README.md`, 'utf8').matchAll(/```js\n(.*?)```/gs)].map(
  (match) => match[1] ?? '',
);

test('the README shows a client of each SDK line', () => {
  expect(snippets.map((code) => /from '(@modelcontextprotocol\/\w+)/.exec(code)?.[1])).toEqual([
    '@modelcontextprotocol/client',
    '@modelcontextprotocol/sdk',
  ]);
});

test.each(snippets)('a snippet of the README works as printed: %#', async (code) => {
  expect(code).toContain(README_URL);
  const ours = code.replace(README_URL, bridge.ready[1] ?? '');
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', ours], { cwd: root }, (error, out) => {
      if (error === null) resolve(out);
      else reject(error);
    });
  });
  expect(stdout).toContain('everything__echo');
  expect(stdout).toContain('files__read_text_file');
  expect(stdout).toContain('memory__read_graph');
  expect(stdout).toContain('tools__word_count');
  expect(stdout).toContain('Echo: hello');
});
