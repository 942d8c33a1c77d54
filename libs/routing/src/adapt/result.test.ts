import { expect, test } from 'vitest';
import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import type { UpstreamInfo } from '../upstream/channel.js';
import { clientResult } from './result.js';

function adapted(result: string, request: Partial<CallRequest>, upstream?: UpstreamInfo): string {
  const reply = scanEnvelope(Buffer.from(` {"jsonrpc":"2.0","id":1,"result":${result}} `));
  const whole = { method: 'tools/call', capabilities: '{}', protocolVersion: '2026-07-28', ...request };
  // Only these fields are read.
  return clientResult(whole as CallRequest, reply, upstream).toString();
}

test('adds the result type that a legacy upstream does not send', () => {
  expect(JSON.parse(adapted('{"content":[]}', {}))).toEqual({ resultType: 'complete', content: [] });
  expect(adapted('{}', {})).toBe('{"resultType":"complete"}');
});

test('adds cache hints to cacheable results only, and never to input_required', () => {
  const read = { method: 'resources/read' };
  expect(JSON.parse(adapted('{"contents":[1]}', read))).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  expect(JSON.parse(adapted('{"ttlMs":5,"contents":[1]}', read))).toMatchObject({
    ttlMs: 5,
    cacheScope: 'private',
  });
  expect(adapted('{"resultType":"input_required","requestState":"s"}', read)).not.toContain('ttlMs');
});

test('leaves a complete modern result as it is', () => {
  expect(adapted('{"resultType":"complete", "content":[]}', {})).toBe(
    '{"resultType":"complete", "content":[]}',
  );
});

test('refuses a result type that nothing explains, unless the client declared extensions', () => {
  expect(() => adapted('{"resultType":"odd"}', {})).toThrow(BridgeError);
  expect(adapted('{"resultType":"odd"}', { capabilities: '{"extensions":{"x":{}}}' })).toContain('odd');
});

test('takes the modern members away for legacy clients, wherever they stand', () => {
  const legacy = { protocolVersion: '2025-11-25' };
  const cases: [string, unknown][] = [
    ['{"resultType":"complete"}', {}],
    ['{"resultType":"complete","a":1}', { a: 1 }],
    ['{"a":1 , "resultType" : "complete" }', { a: 1 }],
    ['{"a":1,"ttlMs":5,"cacheScope":"public"}', { a: 1 }],
    ['{ "ttlMs":5 , "cacheScope":"public", "resultType":"complete" }', {}],
    [
      '{"resultType":"complete","a":{"resultType":"x"},"ttlMs":1,"b":[2],"cacheScope":"private"}',
      { a: { resultType: 'x' }, b: [2] },
    ],
    ['{"a":1}', { a: 1 }],
  ];
  for (const [result, expected] of cases) expect(JSON.parse(adapted(result, legacy))).toEqual(expected);
});

test('refuses legacy clients every result that is not complete', () => {
  const legacy = { protocolVersion: '2025-11-25', capabilities: '{"extensions":{"x":{}}}' };
  for (const type of ['odd', 'task'])
    expect(() => adapted(`{"resultType":"${type}"}`, legacy)).toThrow(BridgeError);
});

test('gives a task only to a request that declared the extension', () => {
  const task = '{"resultType":"task","taskId":"t"}';
  const declared = '{"extensions":{"io.modelcontextprotocol/tasks":{}}}';
  expect(adapted(task, { capabilities: declared })).toBe(task);
  for (const capabilities of ['{}', '{"extensions":{"com.example/other":{}}}']) {
    expect(() => adapted(task, { capabilities })).toThrow(/resultType "task"/);
  }
});

test('lets a modern client be asked on three methods only, and only for what it declared', () => {
  const asking = (method: string, params = {}) =>
    JSON.stringify({ resultType: 'input_required', inputRequests: { q: { method, params } } });
  const capabilities = '{"sampling":{},"elicitation":{}}';
  const roots = asking('roots/list');
  const sampling = asking('sampling/createMessage');
  for (const method of ['tools/call', 'prompts/get', 'resources/read']) {
    expect(adapted(sampling, { method, capabilities })).toBe(sampling);
    expect(() => adapted(roots, { method, capabilities })).toThrowError(
      expect.objectContaining({ rpcCode: -32021, data: '{"requiredCapabilities":{"roots":{}}}' }),
    );
  }
  expect(() => adapted(asking('elicitation/create', { mode: 'url' }), { capabilities })).toThrow(BridgeError);
  expect(() => adapted(sampling, { method: 'completion/complete', capabilities })).toThrow(/input_required/);
  expect(() => adapted('{"resultType":"input_required"}', { capabilities })).toThrow(/does not say which/);
  expect(adapted('{"resultType":"input_required","requestState":"s"}', {})).toContain('"requestState":"s"');
});

test('names a legacy server in what modern clients get, beside what the server put there itself', () => {
  // Only these fields are read.
  const upstream = { era: 'legacy', serverInfo: { name: 'old', version: '1' } } as unknown as UpstreamInfo;
  const key = 'io.modelcontextprotocol/serverInfo';
  expect(JSON.parse(adapted('{"content":[]}', {}, upstream))._meta).toEqual({ [key]: upstream.serverInfo });
  const result = adapted('{"_meta":{"vendor/n":12345678901234567890},"content":[]}', {}, upstream);
  expect(result).toContain('"vendor/n":12345678901234567890');
  expect(JSON.parse(result)._meta[key]).toEqual(upstream.serverInfo);
  expect(adapted('{"content":[]}', { protocolVersion: '2025-11-25' }, upstream)).toBe('{"content":[]}');
  const modern = { ...upstream, era: 'modern' } as const;
  expect(adapted('{"resultType":"complete"}', {}, modern)).toBe('{"resultType":"complete"}');
});

test('keeps the first hundred completions and says that there are more', () => {
  const values = Array.from({ length: 150 }, (_, n) => `v${n}`);
  const complete = { method: 'completion/complete' };
  for (const completion of [{ values }, { values, total: 150, hasMore: false }, { hasMore: true, values }]) {
    for (const protocolVersion of ['2025-11-25', '2026-07-28']) {
      const result = adapted(JSON.stringify({ completion }), { ...complete, protocolVersion });
      expect(JSON.parse(result).completion).toEqual({
        ...completion,
        values: values.slice(0, 100),
        hasMore: true,
      });
    }
  }
  const enough = JSON.stringify({ resultType: 'complete', completion: { values: values.slice(0, 100) } });
  expect(adapted(enough, complete)).toBe(enough);
});
