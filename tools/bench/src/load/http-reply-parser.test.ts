import { describe, expect, test } from 'vitest';
import { createHttpReplyParser, headerOf, type HttpReply } from './http-reply-parser.js';

const SIZED = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMcp-Session-Id: abc\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\nb;x=1\r\n{"id":\r\n1}\n\r\n0\r\n\r\n';
const EMPTY = 'HTTP/1.1 202 Accepted\r\n\r\n';

describe('the reply parser', () => {
  test('reads sized, chunked and empty replies one after the other', () => {
    const replies = parse([SIZED + CHUNKED + EMPTY]);
    expect(replies.map(({ status, body }) => [status, body.toString()])).toEqual([
      [200, 'hello'],
      [200, 'data: {"id":\r\n1}\n'],
      [202, ''],
    ]);
  });

  test('reads the same however the bytes are cut', () => {
    const whole = parse([SIZED + CHUNKED + EMPTY + SIZED]).map(({ body }) => body.toString());
    const bytewise = parse([...(SIZED + CHUNKED + EMPTY + SIZED)]).map(({ body }) => body.toString());
    expect(bytewise).toEqual(whole);
    expect(whole).toHaveLength(4);
  });

  test('finds a header whatever its case', () => {
    const [reply] = parse([SIZED]);
    expect(headerOf(reply!, 'mcp-session-id')).toBe('abc');
    expect(headerOf(reply!, 'absent')).toBeUndefined();
  });

  test('does not go on with chunks that it cannot read', () => {
    expect(() => parse(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'])).toThrow(
      'chunk size',
    );
  });
});

function parse(pieces: readonly string[]): HttpReply[] {
  const replies: HttpReply[] = [];
  const parser = createHttpReplyParser((reply) => replies.push(reply));
  for (const piece of pieces) parser.push(Buffer.from(piece));
  return replies;
}
