import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeString } from './decode-string.js';
import { stringText } from './testing/json-bytes.js';

const decode = (text: string) => decodeString(Buffer.from(text), 0, Buffer.byteLength(text));

describe('decodeString', () => {
  it('agrees with JSON.parse', () => {
    fc.assert(
      fc.property(stringText, ({ value, text }) => {
        expect(decode(text)).toBe(value);
      }),
    );
  });

  it('never answers with another string that it remembers in the same place', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const wrong: string[] = [];
    for (const a of letters) {
      for (const b of letters) {
        // Each prefix is remembered just before longer strings, some of which fall into its place.
        for (const c of letters) {
          for (const value of [a + b, a + b + c, b + a + c + c]) {
            if (decode(`"${value}"`) !== value) wrong.push(value);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});
