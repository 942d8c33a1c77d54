import { expect, test } from 'vitest';
import { lineOf, MessageLines } from './message-lines.js';

function split(maxBytes: number, chunks: readonly string[], ends = true): string[] {
  const heard: string[] = [];
  const lines = new MessageLines(maxBytes, {
    onLine: (line) => heard.push(line.toString()),
    onLongLine: () => heard.push('(long)'),
  });
  for (const chunk of chunks) lines.push(Buffer.from(chunk));
  if (ends) lines.end();
  return heard;
}

test('splits at newlines wherever the chunks end', () => {
  const text = 'one\ntwo and more\n\n\r\nthree\r\nfour';
  const whole = split(100, [text]);
  expect(whole).toEqual(['one', 'two and more', 'three', 'four']);
  for (let size = 1; size < text.length; size++) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    expect(split(100, chunks)).toEqual(whole);
  }
});

test('keeps an unfinished line until it ends', () => {
  expect(split(100, ['a\nb'], false)).toEqual(['a']);
});

test('skips a line that is too long, tells so once, and goes on with the next', () => {
  const chunks = ['12345678', '9', '0abc', 'def\nshort\n123456789\n12345678\n'];
  expect(split(8, chunks)).toEqual(['(long)', 'short', '(long)', '12345678']);
  expect(split(8, ['123456789'], false)).toEqual(['(long)']);
});

test('grows with a long line that comes in small pieces', () => {
  const line = 'x'.repeat(20_000);
  expect(split(20_000, [...line, '\n', 'y\n'])).toEqual([line, 'y']);
});

test('writes a message as one line', () => {
  expect(lineOf(Buffer.from('{\r\n "a": "b\\n"\n}')).toString()).toBe('{   "a": "b\\n" }\n');
});
