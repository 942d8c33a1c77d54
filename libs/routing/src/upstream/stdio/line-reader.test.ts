import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from './line-reader.js';

function read(chunks: readonly Buffer[], maxBytes = 100): string[] {
  const lines: string[] = [];
  const reader = new LineReader(
    maxBytes,
    (line) => lines.push(line.toString()),
    () => lines.push('<overflow>'),
  );
  for (const chunk of chunks) reader.push(chunk);
  return lines;
}

describe('LineReader', () => {
  it('hands out lines without LF or CRLF and skips empty ones', () => {
    expect(read([Buffer.from('a\n\nb\r\n\r\nc')])).toEqual(['a', 'b']);
  });

  it('cuts the same lines however the bytes arrive', () => {
    const text = fc.array(fc.constantFrom('a', 'ü', '\n', '\r\n', '{"x":1}')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(50)), (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const sorted = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
          bytes.length,
        ];
        const chunks = sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
        expect(read(chunks, 10_000)).toEqual(read([bytes], 10_000));
      }),
    );
  });

  it.each([
    ['in one chunk', [Buffer.from(`ok\n${'x'.repeat(101)}\nafter\n`)]],
    [
      'over several',
      [Buffer.from('ok\n'), ...Array.from({ length: 11 }, () => Buffer.alloc(10, 'x')), Buffer.from('\n')],
    ],
  ])('stops at a line beyond the limit, %s', (_what, chunks) => {
    expect(read(chunks)).toEqual(['ok', '<overflow>']);
  });

  it('takes a line of exactly the limit', () => {
    expect(read([Buffer.alloc(60, 'x'), Buffer.alloc(40, 'x'), Buffer.from('\n')])).toEqual([
      'x'.repeat(100),
    ]);
  });
});
