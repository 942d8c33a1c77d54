import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT } from './envelope.js';
import { arrayItems, canonicalId, objectMembers, rawBytes, rawText, upstreamError } from './members.js';
import { scanEnvelope } from './scan-envelope.js';
import { jsonText, refusal, stringText } from './testing/json-bytes.js';

describe('objectMembers', () => {
  it('gives every member in order, duplicates too, with its value unparsed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(stringText, jsonText), { maxLength: 5 }), (pairs) => {
        const bytes = Buffer.from(` {${pairs.map(([key, value]) => `${key.text}: ${value}`).join(',')}}`);
        const members = objectMembers(bytes, 1);
        expect(members.map(({ key }) => key)).toEqual(pairs.map(([key]) => key.value));
        expect(members.map(({ value }) => rawText(bytes, value))).toEqual(
          pairs.map(([, value]) => value.trim()),
        );
        expect(members.map(({ keySpan }) => rawText(bytes, keySpan))).toEqual(pairs.map(([key]) => key.text));
      }),
    );
  });

  it('refuses what is no object', () => {
    expect(refusal(() => objectMembers(Buffer.from('[]'), 0))).toBe('PARSE_ERROR');
    expect(refusal(() => objectMembers(Buffer.from('{"a":1'), 0))).toBe('PARSE_ERROR');
  });
});

describe('arrayItems', () => {
  it('gives every item unparsed', () => {
    fc.assert(
      fc.property(fc.array(jsonText, { maxLength: 5 }), (items) => {
        const bytes = Buffer.from(`[${items.join(',')}]`);
        expect(arrayItems(bytes, 0).map((span) => rawBytes(bytes, span).toString())).toEqual(
          items.map((item) => item.trim()),
        );
      }),
    );
  });

  it('refuses what is no array', () => {
    expect(refusal(() => arrayItems(Buffer.from('{}'), 0))).toBe('PARSE_ERROR');
  });
});

describe('raw values', () => {
  it('are empty for an absent span', () => {
    expect(rawText(Buffer.from('x'), ABSENT)).toBe('');
    expect(rawBytes(Buffer.from('x'), ABSENT)).toHaveLength(0);
  });

  it('are views, not copies', () => {
    const bytes = Buffer.from('abc');
    expect(rawBytes(bytes, { start: 1, end: 2 }).buffer).toBe(bytes.buffer);
  });
});

describe('canonicalId', () => {
  const id = (raw: string) => canonicalId(Buffer.from(raw), { start: 0, end: Buffer.byteLength(raw) });

  it('is equal exactly for equal ids', () => {
    fc.assert(
      fc.property(stringText, stringText, (a, b) => {
        expect(id(a.text) === id(b.text)).toBe(a.value === b.value);
        expect(id(a.text)).toBe(id(JSON.stringify(a.value)));
      }),
    );
  });

  it('keeps numbers apart from strings, and big ones apart from each other', () => {
    expect(id('1')).not.toBe(id('"1"'));
    expect(id('9007199254740993')).not.toBe(id('9007199254740992'));
  });
});

describe('upstreamError', () => {
  const of = (error: string) =>
    upstreamError(scanEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"error":${error}}`)));

  it('keeps code, message and data of the server', () => {
    const error = of('{"code":-32002,"message":"nö \\n","data":{"uri":"x","n":1.0}}');
    expect([error.code, error.rpcCode, error.message, error.data]).toEqual([
      'UPSTREAM_ERROR',
      -32002,
      'nö \n',
      '{"uri":"x","n":1.0}',
    ]);
  });

  it.each([
    '{}',
    '{"code":1}',
    '{"code":"1","message":"x"}',
    '{"code":1.5,"message":"x"}',
    '{"code":1,"message":null}',
  ])('calls %s a fault of the server', (error) => {
    expect(of(error).code).toBe('UPSTREAM_PROTOCOL');
  });
});
