import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText, refusal } from '../testing/json-bytes.js';
import { jsonToMsgpack } from './json-to-msgpack.js';
import { msgpackToJson } from './msgpack-to-json.js';

/** What no two libraries agree on: halves of surrogate pairs, `__proto__`, numbers beyond doubles. */
const isDisputed = (text: string, value: unknown) =>
  /\\ud[89a-f]/i.test(JSON.stringify(value)) || text.includes('__proto__') || /1e400/.test(text);

describe('jsonToMsgpack', () => {
  it('writes what another implementation reads as JSON.parse would', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const value: unknown = JSON.parse(text);
        fc.pre(!isDisputed(text, value));
        expect(decode(jsonToMsgpack(Buffer.from(text)))).toEqual(value);
      }),
    );
  });

  it('comes back as the same value', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const value: unknown = JSON.parse(text);
        fc.pre(!isDisputed(text, value));
        const back = msgpackToJson(jsonToMsgpack(Buffer.from(text))).toString();
        expect(JSON.parse(back)).toEqual(value);
      }),
    );
  });

  it('keeps every 64-bit integer digit by digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (integer) => {
        const text = `{"id":${integer}}`;
        expect(msgpackToJson(jsonToMsgpack(Buffer.from(text))).toString()).toBe(text);
      }),
    );
  });

  it('counts more members than 16 bits hold', () => {
    const items = Array.from({ length: 70_000 }, (_, index) => index % 100);
    const bytes = jsonToMsgpack(Buffer.from(JSON.stringify([items, 'after'])));
    expect(decode(bytes)).toEqual([items, 'after']);
    const members = Object.fromEntries(items.map((item, index) => [`k${index}`, item]));
    expect(decode(jsonToMsgpack(Buffer.from(JSON.stringify([members, 'after']))))).toEqual([
      members,
      'after',
    ]);
  });

  it('writes strings of every length', () => {
    for (const length of [0, 31, 32, 255, 256, 65_535, 65_536]) {
      const text = 'é'.padEnd(length, 'x');
      expect(decode(jsonToMsgpack(Buffer.from(JSON.stringify(text))))).toBe(text);
    }
  });

  it('refuses what is no JSON, nests too deeply, or is no number that MessagePack has', () => {
    expect(refusal(() => jsonToMsgpack(Buffer.from('{"a":}')))).toBe('PARSE_ERROR');
    expect(refusal(() => jsonToMsgpack(Buffer.from('{} {}')))).toBe('PARSE_ERROR');
    expect(refusal(() => jsonToMsgpack(Buffer.from('1e400')))).toBe('PARSE_ERROR');
    const nested = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
    expect(refusal(() => jsonToMsgpack(nested(128)))).toBeUndefined();
    expect(refusal(() => jsonToMsgpack(nested(129)))).toBe('INVALID_REQUEST');
  });
});

describe('msgpackToJson', () => {
  it('reads what another implementation writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = msgpackToJson(Buffer.from(encode(value))).toString();
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('takes any bytes without any other end than JSON or a refusal', () => {
    const ends = { json: 0, refused: 0 };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const code = refusal(() => JSON.parse(msgpackToJson(Buffer.from(bytes)).toString()));
        ends[code === undefined ? 'json' : 'refused']++;
        expect([undefined, 'PARSE_ERROR', 'INVALID_REQUEST']).toContain(code);
      }),
    );
    expect(ends.json).toBeGreaterThan(0);
    expect(ends.refused).toBeGreaterThan(0);
  });

  it('refuses every value that was cut short', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, cutAt) => {
        const bytes = Buffer.from(encode(value));
        expect(refusal(() => msgpackToJson(bytes.subarray(0, cutAt % bytes.length)))).toBe('PARSE_ERROR');
      }),
    );
  });
});
