import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestBridge } from './testing/test-bridge.js';

const folder = fileURLToPath(new URL('..', import.meta.url));
const KEY = 'the-key-of-the-readme';
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await TestBridge.start({ sha256: createHash('sha256').update(KEY).digest('hex') });
});
afterAll(() => bridge[Symbol.asyncDispose]());

const snippets = [...readFileSync(`${folder}README.md`, 'utf8').matchAll(/```js\n(.*?)```/gs)].map(
  (match) => match[1] ?? '',
);

test('the README shows each transport with each SDK line', () => {
  const shown = snippets.map((code) => [
    /from '@modelcontextprotocol\/(\w+)/.exec(code)?.[1],
    /connect\(\s*(create\w+)/.exec(code)?.[1],
  ]);
  expect(shown).toEqual([
    ['client', 'createWebSocketTransport'],
    ['sdk', 'createWebSocketTransport'],
    ['client', 'createTcpTransport'],
    ['sdk', 'createTcpTransport'],
  ]);
});

test.each(snippets)('a snippet of the README works as printed: %#', async (code) => {
  const ours = code
    .replace('127.0.0.1:8080', `127.0.0.1:${bridge.httpPort}`)
    .replace('port: 8081', `port: ${bridge.tcpPort}`);
  expect(ours).not.toBe(code);
  const flags = ['--conditions=@mcp-bridge/source', '--import', 'tsx', '--input-type=module', '-e', ours];
  const options = { cwd: folder, env: { ...process.env, BRIDGE_KEY: KEY } };
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, flags, options, (error, out) => {
      if (error === null) resolve(out);
      else reject(error);
    });
  });
  expect(stdout).toContain('test_simple_text');
});
