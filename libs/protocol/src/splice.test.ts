import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BridgeError } from './errors.js';
import { scanEnvelope } from './scan-envelope.js';
import {
  errorReply,
  insertion,
  insertKey,
  notificationMessage,
  replaceSpan,
  requestMessage,
  resultReply,
  splice,
  writeResultReply,
} from './splice.js';
import { anyString, jsonText, refusal } from './testing/json-bytes.js';

const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'));

describe('splice', () => {
  it('equals cutting and joining', () => {
    const piece = fc.tuple(
      fc.uint8Array({ maxLength: 8 }),
      fc.uint8Array({ maxLength: 4 }),
      anyString,
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), fc.uint8Array({ maxLength: 8 }), (pieces, tail) => {
        const source: Buffer[] = [];
        const expected: Buffer[] = [];
        const edits: { start: number; end: number; text: string | Buffer }[] = [];
        let at = 0;
        for (const [kept, cut, text, asBuffer] of pieces) {
          source.push(Buffer.from(kept), Buffer.from(cut));
          expected.push(Buffer.from(kept), Buffer.from(text, 'utf8'));
          const start = at + kept.length;
          at = start + cut.length;
          edits.push({ start, end: at, text: asBuffer ? Buffer.from(text, 'utf8') : text });
        }
        const result = splice(Buffer.concat([...source, tail]), edits);
        expect(result.equals(Buffer.concat([...expected, tail]))).toBe(true);
      }),
    );
  });

  it.each([
    [
      'unsorted',
      [
        { start: 5, end: 6, text: '' },
        { start: 1, end: 2, text: '' },
      ],
    ],
    [
      'overlapping',
      [
        { start: 1, end: 4, text: '' },
        { start: 3, end: 5, text: '' },
      ],
    ],
    ['backwards', [{ start: 4, end: 2, text: '' }]],
    ['outside', [{ start: 0, end: 11, text: '' }]],
    ['absent', [{ start: -1, end: -1, text: 'x' }]],
  ])('refuses %s edits', (_what, edits) => {
    expect(refusal(() => splice(Buffer.alloc(10), edits))).toBe('INTERNAL');
  });

  it('leaves its source alone', () => {
    const source = Buffer.from('{"a":1}');
    expect(replaceSpan(source, { start: 5, end: 6 }, '"日本"').toString()).toBe('{"a":"日本"}');
    expect(source.toString()).toBe('{"a":1}');
  });
});

describe('insertKey', () => {
  it.each([
    ['{}', '{"k":1}'],
    [' { \n } ', ' {"k":1 \n } '],
    ['{"a":2}', '{"k":1,"a":2}'],
    ['{ "é":{} }', '{"k":1, "é":{} }'],
  ])('turns %s into %s', (before, after) => {
    expect(insertKey(Buffer.from(before), 'k', '1').toString()).toBe(after);
  });

  it('adds exactly that member to any object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(anyString, jsonText, { maxKeys: 3 }),
        anyString,
        jsonText,
        (members, key, raw) => {
          fc.pre(!Object.hasOwn(members, key));
          const body = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
          const before = Buffer.from(`{${body.join(',')}}`);
          const expected = new Map(Object.entries(parse(before) as object));
          expected.set(key, JSON.parse(raw));
          const after = new Map(Object.entries(parse(insertKey(before, key, raw)) as object));
          expect(after).toEqual(expected);
        },
      ),
    );
  });

  it('combines with other edits of the same bytes', () => {
    const bytes = Buffer.from('{"name":"a","_meta":{}}');
    const edits = [
      insertion(bytes, 0, '"x":1,"y":2'),
      { start: 8, end: 11, text: '"b"' },
      insertion(bytes, 20, '"z":3'),
    ];
    expect(splice(bytes, edits).toString()).toBe('{"x":1,"y":2,"name":"b","_meta":{"z":3}}');
  });

  it('refuses what is no object', () => {
    expect(refusal(() => insertKey(Buffer.from('[1]'), 'k', '1'))).toBe('PARSE_ERROR');
  });
});

describe('whole messages', () => {
  const id = fc.oneof(
    fc.bigInt().map(String),
    anyString.map((text) => JSON.stringify(text)).filter((raw) => Buffer.byteLength(raw) <= 1024),
  );
  const object = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));

  it('around a result parse to id and result', () => {
    fc.assert(
      fc.property(id, object, (idRaw, raw) => {
        const reply = resultReply(idRaw, Buffer.from(raw));
        expect(parse(reply)).toEqual({ jsonrpc: '2.0', id: JSON.parse(idRaw), result: JSON.parse(raw) });
        const { id: span } = scanEnvelope(reply);
        expect(reply.toString('utf8', span.start, span.end)).toBe(idRaw);
      }),
    );
  });

  it('around a result are the same in memory that is there, if there is enough', () => {
    fc.assert(
      fc.property(id, object, fc.nat(4_000), (idRaw, raw, room) => {
        const whole = resultReply(idRaw, Buffer.from(raw));
        const target = Buffer.alloc(room);
        const length = writeResultReply(target, idRaw, Buffer.from(raw));
        if (length >= 0) expect(target.subarray(0, length)).toEqual(whole);
        else expect(room).toBeLessThan(3 * whole.length);
      }),
    );
  });

  it('around params parse to id, method and params', () => {
    fc.assert(
      fc.property(id, anyString, object, (idRaw, method, raw) => {
        const params = JSON.parse(raw) as unknown;
        expect(parse(requestMessage(idRaw, method, Buffer.from(raw)))).toEqual({
          jsonrpc: '2.0',
          id: JSON.parse(idRaw),
          method,
          params,
        });
        expect(parse(notificationMessage(method, Buffer.from(raw)))).toEqual({
          jsonrpc: '2.0',
          method,
          params,
        });
      }),
    );
  });

  it('around an error carry code, message and data, and leave an unknown id out', () => {
    const error = new BridgeError('OVERLOADED', 'Zu viel: "日本"', { data: '{"retryAfterMs":5}' });
    const member = { code: -31003, message: 'Zu viel: "日本"', data: { retryAfterMs: 5 } };
    expect(parse(errorReply('"é"', error))).toEqual({ jsonrpc: '2.0', id: 'é', error: member });
    expect(parse(errorReply(undefined, error))).toEqual({ jsonrpc: '2.0', error: member });
  });
});
