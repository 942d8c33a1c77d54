import { describe, expect, test } from 'vitest';
import { scanEnvelope } from '@mcp-bridge/protocol';
import { type InternalCall, toRouterCall } from './internal-call.js';

const MAX_BYTES = 10_000;

describe('a call of an internal service', () => {
  test.each([
    { tool: 'files__read', argumentsJson: '{"path":"/x"}' },
    { tool: 'käse – 名"', argumentsJson: ' {"ñ":[1,{"name":"inner"}]} ', progress: true, logLevel: 'info' },
    { tool: 'bare' },
    { method: 'tools/list', cursor: 'nächste' } as const,
  ])('is what a client would have sent, and its parts are where they are said to be: %j', (given) => {
    const call = internal(given);
    const { params, spans, name, method } = toRouterCall(call, MAX_BYTES);
    const head = `{"jsonrpc":"2.0","id":0,"method":"${method}","params":`;
    const origin = head.length;
    const scanned = scanEnvelope(Buffer.concat([Buffer.from(head), params, Buffer.from('}')]));
    const at = (position: number): number => (position < 0 ? -1 : position - origin);
    expect(spans).toEqual({
      nameStart: at(scanned.nameSpan.start),
      nameEnd: at(scanned.nameSpan.end),
      metaStart: at(scanned.meta.start),
      metaEnd: at(scanned.meta.end),
      progressTokenStart: at(scanned.progressToken.start),
      progressTokenEnd: at(scanned.progressToken.end),
    });
    expect(name).toBe(scanned.name ?? '');
    expect(scanned.protocolVersion).toBe('2026-07-28');
    expect(scanned.logLevel ?? '').toBe(call.logLevel);
    expect(scanned.cursor ?? '').toBe(call.cursor);
    const { arguments: args } = JSON.parse(params.toString()) as { arguments?: unknown };
    expect(args).toEqual(call.argumentsJson === '' ? undefined : JSON.parse(call.argumentsJson));
  });

  test.each([
    ['{}, "task": {}', 'PARSE_ERROR'],
    ['{"a":{}', 'PARSE_ERROR'],
    ['{"a":1}}', 'PARSE_ERROR'],
    [' ', 'PARSE_ERROR'],
    ['{"a":01}', 'PARSE_ERROR'],
    ['['.repeat(127) + ']'.repeat(127), 'INVALID_REQUEST'],
    [`{"a":"${'x'.repeat(MAX_BYTES)}"}`, 'PAYLOAD_TOO_LARGE'],
  ])('is refused when its arguments are not one JSON value within the limits: %#', (argumentsJson, code) => {
    expect(() => toRouterCall(internal({ argumentsJson }), MAX_BYTES)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });

  test('may nest its arguments as deeply as a client may', () => {
    const deepest = '['.repeat(126) + ']'.repeat(126);
    const { params } = toRouterCall(internal({ argumentsJson: deepest }), MAX_BYTES);
    const message = `{"jsonrpc":"2.0","id":0,"method":"tools/call","params":${params.toString()}}`;
    expect(scanEnvelope(Buffer.from(message)).arguments.start).toBeGreaterThan(0);
  });
});

function internal(given: Partial<InternalCall>): InternalCall {
  return {
    method: 'tools/call',
    principal: { tenant: 't', id: 'p' },
    view: '',
    tool: given.method === 'tools/list' ? '' : 'files__read',
    argumentsJson: '',
    cursor: '',
    timeoutMs: 1_000,
    traceparent: '',
    progress: false,
    logLevel: '',
    ...given,
  };
}
