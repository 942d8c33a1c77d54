import { describe, expect, it } from 'vitest';
import { scanEnvelope } from './scan-envelope.js';
import { refusal } from './testing/json-bytes.js';

const inside = (bytes: number[]) =>
  Buffer.concat([
    Buffer.from('{"jsonrpc":"2.0","id":1,"method":"m","params":{"v":'),
    Buffer.from(bytes),
    Buffer.from('}}'),
  ]);
const string = (...bytes: number[]) => inside([0x22, ...bytes, 0x22]);
const message = (text: string) => Buffer.from(text, 'latin1');

describe('bytes that are not UTF-8', () => {
  it.each([
    ['a lone continuation byte', string(0x81)],
    ['a truncated sequence', string(0xe0, 0xff)],
    ['a sequence cut by the quote', string(0xe2, 0x82)],
    ['an overlong slash', string(0xc0, 0xaf)],
    ['an overlong quote, which a lax decoder would take for the end', string(0xc0, 0xa2)],
    ['an overlong three-byte form', string(0xe0, 0x80, 0xaf)],
    ['an overlong six-byte form', string(0xfc, 0x83, 0xbf, 0xbf, 0xbf, 0xbf)],
    ['an overlong NUL', string(0xc0, 0x80)],
    ['an encoded surrogate', string(0xed, 0xa0, 0x80)],
    ['a surrogate pair as two sequences (CESU-8)', string(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
    ['a code point beyond U+10FFFF', string(0xf4, 0xbf, 0xbf, 0xbf)],
    ['Latin-1', string(0xe9)],
    ['the byte FE', string(0xfe)],
    ['a bad byte outside of strings', inside([0x31, 0xe5])],
    ['a bad byte in a key', message('{"jsonrpc":"2.0","meth\xe9d":1}')],
    ['UTF-16', Buffer.from('{"jsonrpc":"2.0","method":"m"}', 'utf16le')],
    ['UTF-16 with a byte order mark', Buffer.from('\ufeff{"jsonrpc":"2.0","method":"m"}', 'utf16le')],
    ['a UTF-8 byte order mark', Buffer.from('\ufeff{"jsonrpc":"2.0","method":"m"}')],
    ['half a byte order mark', message('\xef{"jsonrpc":"2.0","method":"m"}')],
    ['a bad byte after the message', message('{"jsonrpc":"2.0","method":"m"}\xff')],
  ])('refuses %s', (_what, bytes) => {
    expect(refusal(() => scanEnvelope(bytes))).toBe('PARSE_ERROR');
  });

  it('refuses a bad byte far inside a long text', () => {
    const bytes = string(...Buffer.alloc(100_000, 0x61));
    bytes[77_777] = 0x80;
    expect(refusal(() => scanEnvelope(bytes))).toBe('PARSE_ERROR');
  });
});

describe('bytes that are no JSON', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['blanks', Buffer.from(' \n')],
    ['NUL bytes', Buffer.alloc(16)],
    ['a vertical tab for a blank', message('{\v"jsonrpc":"2.0","method":"m"}')],
    ['a form feed for a blank', message('{"jsonrpc":"2.0",\f"method":"m"}')],
    ['a no-break space', Buffer.from('{"jsonrpc":"2.0",\u00a0"method":"m"}')],
    ['a raw newline in a string', string(0x0a)],
    ['a raw NUL in a string', string(0x00)],
    ['two messages', message('{"jsonrpc":"2.0","method":"m"}{"jsonrpc":"2.0","method":"m"}')],
    ['two lines', message('{"jsonrpc":"2.0","method":"m"}\n{"jsonrpc":"2.0","method":"m"}')],
    ['a comment', message('{"jsonrpc":"2.0","method":"m"/**/}')],
    ['a cut message', message('{"jsonrpc":"2.0","method":"m"')],
  ])('refuses %s', (_what, bytes) => {
    expect(refusal(() => scanEnvelope(bytes))).toBe('PARSE_ERROR');
  });

  it('refuses every proper prefix of a message', () => {
    const whole = Buffer.from(
      '{"jsonrpc":"2.0","id":-12,"method":"tools/call","params":{"name":"é","a":[1.5e3,true]}}',
    );
    const accepted: number[] = [];
    for (let length = 0; length < whole.length; length++) {
      if (refusal(() => scanEnvelope(whole.subarray(0, length))) !== 'PARSE_ERROR') accepted.push(length);
    }
    expect(accepted).toEqual([]);
    expect(scanEnvelope(whole).name).toBe('é');
  });
});

describe('what is legal', () => {
  it('passes lone surrogate escapes and NUL escapes through in values that nobody reads here', () => {
    const bytes = Buffer.from(
      '{"jsonrpc":"2.0","id":"\\ud800","method":"m","params":{"v":"\\udfff\\u0000"}}',
    );
    const envelope = scanEnvelope(bytes);
    expect(bytes.toString('utf8', envelope.params.start, envelope.params.end)).toBe('{"v":"\\udfff\\u0000"}');
    expect(bytes.toString('utf8', envelope.id.start, envelope.id.end)).toBe('"\\ud800"');
  });

  it('refuses half a surrogate pair in a name: it would reach the server as another name', () => {
    const call = (name: string) =>
      Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}"}}`);
    expect(refusal(() => scanEnvelope(call('a\\ud83d')))).toBe('INVALID_PARAMS');
    expect(scanEnvelope(call('a\\ud83d\\ude00')).name).toBe('a😀');
  });

  it('takes noncharacters and the highest code point', () => {
    expect(scanEnvelope(string(...Buffer.from('\u{10ffff}\uffff\ufffe'))).kind).toBe('request');
  });
});
