import { describe, expect, it } from 'vitest';
import { createSseParser } from './sse-parser.js';

describe('createSseParser', () => {
  it('reads the same events however the stream is cut', () => {
    const text = ': hello\n\nid: s-0\r\nretry: 200\r\ndata:\r\n\r\nevent: message\ndata: {"a":\ndata: 1}\n\n';
    const expected = [
      { event: ':', data: 'hello' },
      { id: 's-0', retryMs: 200, data: '' },
      { event: 'message', data: '{"a":\n1}' },
    ];
    for (let size = 1; size <= text.length; size += 1) {
      const parser = createSseParser();
      const events = [];
      for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
      expect(events, `pieces of ${size}`).toEqual(expected);
    }
  });
});
