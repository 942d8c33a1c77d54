import { expect, test } from 'vitest';
import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import { clientResult } from './result.js';

function adapted(result: string, request: Partial<CallRequest>): string {
  const reply = scanEnvelope(Buffer.from(` {"jsonrpc":"2.0","id":1,"result":${result}} `));
  const whole = { method: 'tools/call', capabilities: '{}', protocolVersion: '2026-07-28', ...request };
  // Only these fields are read.
  return clientResult(whole as CallRequest, reply).toString();
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
