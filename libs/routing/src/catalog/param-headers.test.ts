import { describe, expect, it } from 'vitest';
import { checkParamHeaders, paramHeadersFor, readParamHeaders } from './param-headers.js';

function tool(properties: object, rest: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ name: 't', inputSchema: { type: 'object', properties, ...rest } }));
}

const facts = readParamHeaders(
  tool({
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
    where: { type: 'object', properties: { zone: { type: 'string', 'x-mcp-header': 'Zone' } } },
  }),
);

describe('readParamHeaders', () => {
  it('finds annotations at any depth of properties', () => {
    expect(facts).toEqual({
      paramHeaders: [
        { header: 'mcp-param-region', path: ['region'], type: 'string' },
        { header: 'mcp-param-count', path: ['count'], type: 'integer' },
        { header: 'mcp-param-dry', path: ['dry'], type: 'boolean' },
        { header: 'mcp-param-zone', path: ['where', 'zone'], type: 'string' },
      ],
    });
  });

  it('finds an annotation whose key is written with escapes', () => {
    const raw = '{"name":"t","inputSchema":{"properties":{"a":{"type":"string","x\\u002dmcp-header":"A"}}}}';
    expect(readParamHeaders(Buffer.from(raw)).paramHeaders).toHaveLength(1);
  });

  it('does not take a parameter, a default or a description for an annotation', () => {
    const found = readParamHeaders(
      tool({
        'x-mcp-header': { type: 'string' },
        a: { type: 'object', default: { 'x-mcp-header': 'A' }, description: 'x-mcp-header' },
      }),
    );
    expect(found).toEqual({ paramHeaders: [] });
  });

  it.each([
    ['empty', tool({ a: { type: 'string', 'x-mcp-header': '' } })],
    ['not a string', tool({ a: { type: 'string', 'x-mcp-header': 1 } })],
    ['with a space', tool({ a: { type: 'string', 'x-mcp-header': 'My Region' } })],
    ['with a colon', tool({ a: { type: 'string', 'x-mcp-header': 'A:B' } })],
    ['with a line feed', tool({ a: { type: 'string', 'x-mcp-header': 'A\n' } })],
    ['beyond ASCII', tool({ a: { type: 'string', 'x-mcp-header': 'Région' } })],
    ['on a number', tool({ a: { type: 'number', 'x-mcp-header': 'A' } })],
    ['on an object', tool({ a: { type: 'object', 'x-mcp-header': 'A' } })],
    ['on no type', tool({ a: { 'x-mcp-header': 'A' } })],
    ['on several types', tool({ a: { type: ['string', 'null'], 'x-mcp-header': 'A' } })],
    [
      'twice but for case',
      tool({ a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } }),
    ],
    ['at the root', tool({}, { 'x-mcp-header': 'A' })],
    ['in items', tool({ a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } })],
    ['in anyOf', tool({ a: { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] } })],
    ['in $defs', tool({}, { $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } })],
    [
      'in properties below then',
      tool({}, { then: { properties: { a: { type: 'string', 'x-mcp-header': 'A' } } } }),
    ],
  ])('refuses a name %s', (_what, definition) => {
    expect(readParamHeaders(definition)).toEqual({ paramHeaders: [], fault: expect.any(String) as string });
  });
});

describe('checkParamHeaders', () => {
  const args = { region: 'us-west1', count: 42, dry: false, where: { zone: ' å' } };
  const headers = {
    'mcp-param-region': 'us-west1',
    'mcp-param-count': '42',
    'mcp-param-dry': 'false',
    'mcp-param-zone': `=?base64?${Buffer.from(' å').toString('base64')}?=`,
  };
  const check = (changes: object, argumentChanges: object = {}): string | undefined =>
    checkParamHeaders(
      facts,
      JSON.stringify({ ...headers, ...changes }),
      JSON.stringify({ ...args, ...argumentChanges }),
    )?.code;

  it('accepts headers that say what the body says', () => {
    expect(check({})).toBeUndefined();
    expect(check({ 'mcp-param-count': '42.0' })).toBeUndefined();
    expect(check({ 'mcp-param-unknown': 'whatever' })).toBeUndefined();
  });

  it('expects no header for null and for absent arguments', () => {
    expect(checkParamHeaders(facts, '', '{"region":null}')).toBeUndefined();
    expect(checkParamHeaders(facts, '', '')).toBeUndefined();
  });

  it.each([
    ['another value', { 'mcp-param-region': 'eu' }],
    ['another case', { 'mcp-param-region': 'US-WEST1' }],
    ['a missing header', { 'mcp-param-region': undefined }],
    ['another number', { 'mcp-param-count': '43' }],
    ['a text for a number', { 'mcp-param-count': '0x2a' }],
    ['another boolean', { 'mcp-param-dry': 'False' }],
    ['bad base64', { 'mcp-param-zone': '=?base64?IMO?=' }],
    ['control characters', { 'mcp-param-zone': 'a\u0001' }],
  ])('refuses %s', (_what, changes) => {
    expect(check(changes)).toBe('HEADER_MISMATCH');
  });

  it('refuses a header without a value in the body', () => {
    expect(check({}, { region: null })).toBe('HEADER_MISMATCH');
    expect(check({}, { where: 'flat' })).toBe('HEADER_MISMATCH');
  });

  it('does not read inherited members as arguments', () => {
    const odd = readParamHeaders(tool({ constructor: { type: 'string', 'x-mcp-header': 'C' } }));
    expect(checkParamHeaders(odd, '', '{}')).toBeUndefined();
  });
});

describe('paramHeadersFor', () => {
  it('mirrors annotated arguments, encoded, and leaves out null', () => {
    const args = JSON.stringify({ region: ' å', count: 42, dry: true, where: null });
    expect(paramHeadersFor(facts, args)).toEqual({
      'mcp-param-region': `=?base64?${Buffer.from(' å').toString('base64')}?=`,
      'mcp-param-count': '42',
      'mcp-param-dry': 'true',
    });
  });

  it("forwards the client's own that the tool does not know, and nothing but Mcp-Param", () => {
    const sent = {
      'mcp-param-other': 'x',
      'mcp-param-region': 'lie',
      authorization: 'Bearer x',
      'mcp-param-b\n': 'y',
    };
    expect(paramHeadersFor(facts, '{"region":"us"}', JSON.stringify(sent))).toEqual({
      'mcp-param-other': 'x',
      'mcp-param-region': 'us',
    });
    expect(paramHeadersFor(undefined, '', JSON.stringify(sent))).toHaveProperty('mcp-param-region', 'lie');
  });
});
