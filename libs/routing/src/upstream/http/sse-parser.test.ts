import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseParser } from './sse-parser.js';

function parse(chunks: readonly Buffer[], maxEventBytes = 1_000): { parser: SseParser; events: string[] } {
  const events: string[] = [];
  const parser = new SseParser(maxEventBytes, {
    onEvent: (data) => events.push(data.toString()),
    onOverflow: () => events.push('overflow'),
  });
  for (const chunk of chunks) parser.push(chunk);
  return { parser, events };
}

const eventsOf = (text: string, maxEventBytes?: number) => parse([Buffer.from(text)], maxEventBytes).events;

describe('SseParser', () => {
  it.each([
    ['LF', 'data: a\n\ndata: b\n\n'],
    ['CR', 'data: a\r\rdata: b\r\r'],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n'],
    ['mixed ends', 'data: a\r\n\ndata: b\r\r\n'],
    ['no space', 'data:a\n\ndata:b\n\n'],
    ['comments and unknown fields', ': hi\ndata: a\nfoo: 1\nbar\n\n:\n\ndata: b\n\n'],
    ['a byte order mark', '\uFEFFdata: a\n\ndata: b\n\n'],
    ['named messages', 'event: message\ndata: a\n\nevent\ndata: b\n\n'],
    ['other events between', 'data: a\n\nevent: ping\ndata: x\n\ndata: b\n\n'],
    ['an unfinished event at the end', 'data: a\n\ndata: b\n\ndata: c\n'],
  ])('reads events with %s', (_what, text) => {
    expect(eventsOf(text)).toEqual(['a', 'b']);
  });

  it('tells events of other types apart, and forgets a type with its event', () => {
    const seen: string[] = [];
    const parser = new SseParser(1_000, {
      onEvent: (data) => seen.push(`message ${data.toString()}`),
      onOtherEvent: (type, data) => seen.push(`${type} ${data.toString()}`),
      onOverflow: () => undefined,
    });
    const long = 'x'.repeat(50);
    parser.push(Buffer.from('event: endpoint\ndata: /here\n\ndata: a\n\nevent: empty\n\n'));
    parser.push(Buffer.from(`data: b\n\ndata: c\nevent: ${long}\n\n`));
    expect(seen).toEqual(['endpoint /here', 'message a', 'message b', `${long.slice(0, 32)} c`]);
  });

  it('joins the lines of one event', () => {
    expect(eventsOf('data: a\ndata:  b\ndata\ndata: c\n\n')).toEqual(['a\n b\n\nc']);
  });

  it('remembers ids of finished events only, and of events without data', () => {
    const { parser } = parse([Buffer.from('id: 1\ndata: a\n\nid: 2\n\nid: 3\ndata: lost\n')]);
    expect(parser.lastEventId).toBe('2');
  });

  it('ignores ids with NUL and keeps an id until the next', () => {
    const { parser } = parse([Buffer.from('id: 1\ndata: a\n\nid: x\0y\ndata: b\n\ndata: c\n\n')]);
    expect(parser.lastEventId).toBe('1');
  });

  it('reads the reconnection time, bounded, and nothing that is not digits', () => {
    expect(parse([Buffer.from('retry: 250\nretry: soon\nretry: -1\n')]).parser.retryMs).toBe(250);
    expect(parse([Buffer.from('retry: 999999999\n')]).parser.retryMs).toBe(60_000);
  });

  it.each([
    ['one long line', `data: ${'x'.repeat(50)}`],
    ['one long event', 'data: xxxxx\n'.repeat(10)],
    ['a long line of an unknown field', `foo: ${'x'.repeat(50)}\n`],
  ])('stops at %s', (_what, text) => {
    expect(eventsOf(`data: a\n\n${text}\n\ndata: b\n\n`, 40)).toEqual(['a', 'overflow']);
  });

  it('reads the same however the bytes are cut', () => {
    const lines = [
      'data: {"ü":1}',
      'data:b',
      '',
      ':c',
      'id: 7',
      'retry: 5',
      'event: ping',
      'event: message',
      'x',
    ];
    const ends = ['\n', '\r', '\r\n'];
    const text = fc
      .array(fc.tuple(fc.constantFrom(...lines), fc.constantFrom(...ends)), { maxLength: 30 })
      .map((parts) => parts.flat().join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 20 }), (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const sorted = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
          bytes.length,
        ];
        const chunks = sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
        const cut = parse(chunks);
        const atOnce = parse([bytes]);
        expect(cut.events).toEqual(atOnce.events);
        expect(cut.parser.lastEventId).toBe(atOnce.parser.lastEventId);
      }),
    );
  });
});
