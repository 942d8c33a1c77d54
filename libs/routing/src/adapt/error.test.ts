import { expect, test } from 'vitest';
import { BridgeError } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import type { Era } from '../upstream/channel.js';
import { clientError } from './error.js';

function wireCode(protocolVersion: string, era: Era, rpcCode: number, method = 'tools/call'): number {
  // Only these fields are read.
  const request = { protocolVersion, method } as CallRequest;
  return clientError(request, new BridgeError('UPSTREAM_ERROR', 'Why', { rpcCode }), era).rpcCode;
}

const [MODERN, LEGACY] = ['2026-07-28', '2025-11-25'];

test.each([
  ['legacy', -32002, -32602],
  ['modern', -32002, -32602],
  ['legacy', -32042, -32602],
  ['legacy', -32020, -32603],
  ['legacy', -32021, -32603],
  ['legacy', -32050, -32603],
  ['modern', -32050, -32603],
  ['modern', -32099, -32603],
  ['modern', -32021, -32021],
  ['modern', -32019, -32019],
  ['legacy', -32100, -32100],
  ['legacy', -32601, -32601],
  ['legacy', 7, 7],
] as const)('a modern client hears of a %s server that said %i: %i', (era, said, heard) => {
  expect(wireCode(MODERN, era, said)).toBe(heard);
});

test('what a modern server says of our own headers and version is no fault of the client', () => {
  for (const code of [-32020, -32022]) {
    expect(wireCode(MODERN, 'modern', code)).toBe(-31004);
    expect(wireCode(LEGACY, 'modern', code)).toBe(-31004);
  }
});

test('a legacy client hears codes of legacy servers as they are, and of a missing resource in its own', () => {
  for (const code of [-32002, -32042, -32020, -32050]) expect(wireCode(LEGACY, 'legacy', code)).toBe(code);
  expect(wireCode(LEGACY, 'modern', -32602, 'resources/read')).toBe(-32002);
  expect(wireCode(LEGACY, 'legacy', -32602, 'resources/read')).toBe(-32602);
  expect(wireCode(LEGACY, 'modern', -32602, 'tools/call')).toBe(-32602);
});

test('message and data stay, and errors of the bridge itself are left alone', () => {
  const request = { protocolVersion: MODERN, method: 'resources/read' } as CallRequest;
  const error = new BridgeError('UPSTREAM_ERROR', 'Gone', { rpcCode: -32002, data: '{"uri":"x://1"}' });
  expect(clientError(request, error, 'legacy')).toMatchObject({ message: 'Gone', data: '{"uri":"x://1"}' });
  const own = new BridgeError('OVERLOADED', 'Later');
  expect(clientError(request, own, 'legacy')).toBe(own);
});
