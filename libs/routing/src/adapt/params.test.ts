import { expect, test } from 'vitest';
import { scanEnvelope } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import { upstreamParams, withMembers } from './params.js';

/** A request as a gateway would send it for this message. */
function requestOf(params: string, protocolVersion: string, method = 'tools/call'): CallRequest {
  const bytes = Buffer.from(`{"jsonrpc":"2.0","id":7,"method":"${method}","params":${params}}`);
  const envelope = scanEnvelope(bytes);
  const from = envelope.params.start;
  const at = (position: number): number => (position < 0 ? -1 : position - from);
  return {
    principal: { tenant: 't', id: 'p' },
    view: '',
    method,
    name: envelope.name ?? '',
    params: bytes.subarray(envelope.params.start, envelope.params.end),
    spans: {
      nameStart: at(envelope.nameSpan.start),
      nameEnd: at(envelope.nameSpan.end),
      metaStart: at(envelope.meta.start),
      metaEnd: at(envelope.meta.end),
      progressTokenStart: at(envelope.progressToken.start),
      progressTokenEnd: at(envelope.progressToken.end),
    },
    clientRequestId: '7',
    protocolVersion,
    capabilities: '{"roots":{}}',
    clientInfo: '{"name":"c","version":"1"}',
    session: '',
    logLevel: '',
    timeoutMs: 1000,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: '',
  };
}

function tokenOf({
  params,
  progressTokenStart,
  progressTokenEnd,
}: ReturnType<typeof upstreamParams>): string {
  return params.toString('utf8', progressTokenStart, progressTokenEnd);
}

const MODERN_META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"tök","x/vendor":1,' +
  '"io.modelcontextprotocol/clientCapabilities":{}}';

test('passes the very same bytes when era and name agree', () => {
  const request = requestOf('{"name":"echo","arguments":{"a":1}}', '2025-11-25');
  expect(upstreamParams(request, 'echo', 'legacy', '').params).toBe(request.params);
});

test('replaces a prefixed name, also when the token stands before or after it', () => {
  for (const params of [
    '{"name":"files__réad","_meta":{"progressToken":42},"arguments":{}}',
    '{"_meta":{"progressToken":42},"arguments":{},"name":"files__réad"}',
  ]) {
    const adapted = upstreamParams(requestOf(params, '2025-11-25'), 'réad', 'legacy', '');
    expect(JSON.parse(adapted.params.toString())).toEqual({ ...JSON.parse(params), name: 'réad' });
    expect(tokenOf(adapted)).toBe('42');
  }
});

test('gives a modern upstream the metadata that a legacy client cannot send', () => {
  for (const params of ['{}', '{ }', '{"name":"s__echo"}', '{"name":"s__echo","_meta":{ },"x":1}']) {
    const adapted = upstreamParams(requestOf(params, '2025-06-18'), 'echo', 'modern', 'info');
    const parsed = JSON.parse(adapted.params.toString());
    expect(parsed._meta).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { roots: {} },
      'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
      'io.modelcontextprotocol/logLevel': 'info',
    });
  }
});

test('keeps the place of the token when metadata is added in front of it', () => {
  const request = requestOf('{"_meta":{"progressToken":"a"},"name":"s__echo"}', '2025-11-25');
  expect(tokenOf(upstreamParams(request, 'echo', 'modern', ''))).toBe('"a"');
});

test('takes the modern metadata away for a legacy upstream and keeps the rest', () => {
  const request = requestOf(`{"name":"s__echo",${MODERN_META},"arguments":{}}`, '2026-07-28');
  const adapted = upstreamParams(request, 'echo', 'legacy', '');
  expect(JSON.parse(adapted.params.toString())).toEqual({
    name: 'echo',
    _meta: { progressToken: 'tök', 'x/vendor': 1 },
    arguments: {},
  });
  expect(tokenOf(adapted)).toBe('"tök"');
});

test('keeps every byte of what others put into _meta', () => {
  const vendor = '"com.example/n": 12345678901234567890 ,"traceparent":"00-a-b-01","x":[1.0, 1e400,{"a" :1}]';
  const reserved = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
  const request = requestOf(`{"name":"s__echo","_meta":{${reserved},${vendor}}}`, '2026-07-28');
  const sent = upstreamParams(request, 'echo', 'legacy', '').params.toString();
  for (const part of ['12345678901234567890', '[1.0, 1e400,{"a" :1}]', '"traceparent":"00-a-b-01"'])
    expect(sent).toContain(part);
  expect(sent).not.toContain('io.modelcontextprotocol');
});

test('leaves argument and context of a completion alone when its prompt is renamed', () => {
  const rest = '"argument":{"name":"a","value":"v"},"context":{"arguments":{"owner":"x", "n":"1"}}';
  const request = requestOf(
    `{"ref":{"type":"ref/prompt","name":"s__p"},${rest}}`,
    '2025-11-25',
    'completion/complete',
  );
  const sent = upstreamParams(request, 'p', 'legacy', '').params.toString();
  expect(sent).toBe(`{"ref":{"type":"ref/prompt","name":"p"},${rest}}`);
});

test('adds the members of a retry in front and moves the token along', () => {
  const base = upstreamParams(
    requestOf('{"_meta":{"progressToken":5},"name":"x"}', '2025-11-25'),
    'x',
    'legacy',
    '',
  );
  const retried = withMembers(base, '"requestState":"ä"');
  expect(JSON.parse(retried.params.toString()).requestState).toBe('ä');
  expect(tokenOf(retried)).toBe('5');
});
