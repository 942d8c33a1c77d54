import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaderValue, encodeHeaderValue, headerMatches } from './header-value.js';

describe('encodeHeaderValue', () => {
  // The table of the specification (2026-07-28 basic/transports/streamable-http, "Value Encoding").
  it.each([
    ['us-west1', 'us-west1'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['a b', 'a b'],
    ['a\tb', '=?base64?YQli?='],
    ['=?base64?=', '=?base64?PT9iYXNlNjQ/PQ==?='],
    ['=?BASE64?literal?=', '=?BASE64?literal?='],
    ['', ''],
  ])('writes %j as %s', (value, header) => {
    expect(encodeHeaderValue(value)).toBe(header);
  });

  it('is undone by decoding, and only ever makes header-safe text', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'=?base64 \t\n') }),
    );
    fc.assert(
      fc.property(value, (text) => {
        const header = encodeHeaderValue(text);
        expect(header).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeHeaderValue(header)).toBe(text);
        expect(headerMatches(` ${header}\t`, text)).toBe(true);
      }),
    );
  });
});

describe('decodeHeaderValue', () => {
  it.each([
    ['blanks around a plain value', ' \tx y ', 'x y'],
    ['blanks around an encoded value', ' =?base64?eA==?= ', 'x'],
    ['an empty encoded value', '=?base64??=', ''],
    ['a marker in capitals, which is plain text', '=?Base64?eA==?=', '=?Base64?eA==?='],
    ['a prefix without suffix, which is plain text', '=?base64?eA==', '=?base64?eA=='],
  ])('reads %s', (_what, header, value) => {
    expect(decodeHeaderValue(header)).toBe(value);
  });

  it.each([
    ['non-ASCII', 'é'],
    ['a control character', 'a\u0001b'],
    ['DEL', 'a\u007f'],
    ['missing padding', '=?base64?eA?='],
    ['too much padding', '=?base64?eA===?='],
    ['the URL alphabet', '=?base64?_-8=?='],
    ['a character outside of the alphabet', '=?base64?e!A==?='],
    ['blanks inside', '=?base64?eA == ?='],
    ['stray bits', '=?base64?eB==?='],
    ['bytes that are no UTF-8', '=?base64?/w==?='],
    ['overlapping markers', '=?base64?='],
  ])('refuses %s', (_what, header) => {
    expect(decodeHeaderValue(header)).toBeUndefined();
  });

  it('takes linear time for long runs of blanks', () => {
    expect(decodeHeaderValue(`a${' '.repeat(500_000)}b`)).toHaveLength(500_002);
  });
});

describe('headerMatches', () => {
  it.each<[string, string | number | boolean, boolean]>([
    ['echo', 'echo', true],
    ['Echo', 'echo', false],
    ['=?base64?ZWNobw==?=', 'echo', true],
    ['=?base64?ZWNobw?=', 'echo', false],
    ['42', 42, true],
    ['42.0', 42, true],
    ['4.2e1', 42, true],
    ['43', 42, false],
    ['', 0, false],
    ['0x2a', 42, false],
    ['9007199254740993', 9007199254740992, false],
    ['-0.5', -0.5, true],
    ['true', true, true],
    ['True', true, false],
    ['1', true, false],
    ['42', '42.0', false],
  ])('%j against %j: %s', (header, body, matches) => {
    expect(headerMatches(header, body)).toBe(matches);
  });
});
