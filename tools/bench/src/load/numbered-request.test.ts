import { expect, test } from 'vitest';
import { numberedBatch, numberedBody, numberedRequest } from './numbered-request.js';

const URL_ = new URL('http://127.0.0.1:8080/mcp?x=1');

test('each request has an id of its own and a length that fits', () => {
  const request = numberedRequest({
    url: URL_,
    headers: { 'mcp-session-id': 's' },
    method: 'tools/call',
    params: { name: 'echo', arguments: { text: 'grüß' } },
  });
  const first = request.next().toString();
  expect(request.idText).toBe('"id":100000001');
  const second = request.next().toString();
  expect(request.idText).toBe('"id":100000002');

  const [head = '', body = ''] = second.split('\r\n\r\n');
  expect(head).toMatch(/^POST \/mcp\?x=1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8080\r\n/);
  expect(head).toContain('mcp-session-id: s');
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
  expect(JSON.parse(body)).toMatchObject({ id: 100_000_002, params: { arguments: { text: 'grüß' } } });
  expect(first.replace('100000001', '100000002')).toBe(second);
});

test('requests of a batch have ids of their own, by which their answers are known', () => {
  const batch = numberedBatch(numberedBody('ping', {}), 3);
  const idsOf = (bytes: Buffer): string[] => bytes.toString().match(/\d{9}/g) ?? [];
  expect(idsOf(batch.next())).toEqual(['100000000', '100000001', '100000002']);
  expect(idsOf(batch.next())).toEqual(['100000003', '100000004', '100000005']);
  const answer = (id: number): Buffer => Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  expect([2, 3, 5, 6].map((end) => batch.has(answer(100_000_000 + end)))).toEqual([false, true, true, false]);
});

test('a notification has no id', () => {
  const options = { url: URL_, headers: {}, method: 'notifications/initialized', params: {} };
  const text = numberedRequest({ ...options, isNotification: true })
    .next()
    .toString();
  expect(text).not.toContain('"id"');
});
