import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BridgeError } from './errors.js';
import { skipValue, skipWhitespace } from './json-text.js';
import { damagedJson, jsonText, reference, refusal, shifted } from './testing/json-bytes.js';

/** Whether the scanner takes the bytes as exactly one JSON text. */
function accepts(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    const end = skipValue(bytes, skipWhitespace(bytes, 0), 1000);
    return skipWhitespace(bytes, end) === bytes.length;
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'PARSE_ERROR') return false;
    throw error;
  }
}

describe('skipValue', () => {
  it('accepts every JSON text, at every alignment', () => {
    fc.assert(
      fc.property(jsonText, fc.nat({ max: 3 }), (text, by) => {
        expect(accepts(shifted(Buffer.from(text), by))).toBe(true);
      }),
    );
  });

  it('agrees with JSON.parse about damaged texts', () => {
    fc.assert(
      fc.property(damagedJson, fc.nat({ max: 3 }), (bytes, by) => {
        expect(accepts(shifted(bytes, by))).toBe(reference(bytes) !== undefined);
      }),
    );
  });

  it('agrees with JSON.parse about arbitrary bytes', () => {
    const soup = fc.array(fc.constantFrom(...'{}[]",:\\u0019aefnrtl+-. \n'), { maxLength: 12 });
    fc.assert(
      fc.property(soup, (characters) => {
        const bytes = Buffer.from(characters.join(''));
        expect(accepts(bytes)).toBe(reference(bytes) !== undefined);
      }),
    );
  });

  it('sees every byte that ends or spoils a string, wherever it stands and however the buffer is aligned', () => {
    const special = [
      '"',
      '\\n',
      '\\u00e9',
      '\n',
      '\u0000',
      '\u001f',
      '\\x',
      '\\',
      '\u007f',
      'é',
      ' ',
      '!',
      '#',
      '[',
      ']',
    ];
    const disagreements: string[] = [];
    for (const length of [0, 1, 120, 126, 127, 128, 129, 130, 131, 140, 257]) {
      for (const text of special) {
        for (const place of [0, 1, 2, 3, 4, 5, length - 4, length - 3, length - 2, length - 1, length]) {
          const body = 'a'.repeat(Math.max(0, place)) + text + 'a'.repeat(Math.max(0, length - place));
          const bytes = Buffer.from(`"${body}"`);
          for (let by = 0; by < 4; by++) {
            if (accepts(shifted(bytes, by)) !== (reference(bytes) !== undefined)) {
              disagreements.push(`${JSON.stringify(text)} at ${place} of ${length}, shifted by ${by}`);
            }
          }
        }
      }
    }
    expect(disagreements).toEqual([]);
  });

  it('agrees with JSON.parse about long strings in which escapes, quotes and control characters follow closely', () => {
    const pieces = fc.array(
      fc.constantFrom('a', 'bc', '\\"', '\\\\', '\\n', '\\u00e9', 'é', '!', '#', '\u007f', '"', '\n', '\\'),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(pieces, fc.nat({ max: 3 }), fc.nat({ max: 3 }), (soup, more, by) => {
        const bytes = Buffer.from(`"${'a'.repeat(126 + more)}${soup.join('')}"`);
        expect(accepts(shifted(bytes, by))).toBe(reference(bytes) !== undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses a long string that never ends, even when the memory after it holds a quote', () => {
    const bytes = shifted(Buffer.from(`"${'a'.repeat(1000)}`), 1);
    expect(refusal(() => skipValue(bytes, 0, 1))).toBe('PARSE_ERROR');
  });

  it.each(['"\\u00g0"', '"\\u00G0"', '"\\u00@0"', '"\\u00`0"', '"\\u00:0"', '"\\u00/0"'])(
    'refuses the escape in %s',
    (text) => {
      expect(refusal(() => skipValue(Buffer.from(text), 0, 1))).toBe('PARSE_ERROR');
    },
  );

  it('counts nesting levels and refuses one too many', () => {
    const nested = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
    expect(skipValue(nested(10), 0, 10)).toBe(20);
    expect(refusal(() => skipValue(nested(11), 0, 10))).toBe('INVALID_REQUEST');
    expect(refusal(() => skipValue(Buffer.from('{"a":'.repeat(11) + '1' + '}'.repeat(11)), 0, 10))).toBe(
      'INVALID_REQUEST',
    );
  });

  it('says where the fault is', () => {
    expect(() => skipValue(Buffer.from('[1,]'), 0, 5)).toThrow('Invalid JSON at byte 3');
  });
});
