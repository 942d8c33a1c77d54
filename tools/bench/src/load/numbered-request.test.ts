import { expect, test } from 'vitest';
import { numberedRequest } from './numbered-request.js';

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

test('a notification has no id', () => {
  const options = { url: URL_, headers: {}, method: 'notifications/initialized', params: {} };
  const text = numberedRequest({ ...options, isNotification: true })
    .next()
    .toString();
  expect(text).not.toContain('"id"');
});
