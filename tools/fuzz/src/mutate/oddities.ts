import type { Random } from '../random.js';

/** Keys that mean something to JavaScript, to JSON-RPC or to MCP, each of them as JSON text. */
export const ODD_KEYS: readonly string[] = [
  '"__proto__"',
  '"\\u005f_proto__"',
  '"constructor"',
  '"prototype"',
  '"toString"',
  '"toJSON"',
  '"then"',
  '"hasOwnProperty"',
  '"length"',
  '""',
  '"\\u0000"',
  '"id"',
  '"\\u0069d"',
  '"ID"',
  '"jsonrpc"',
  '"method"',
  '"params"',
  '"result"',
  '"error"',
  '"_meta"',
  '"name"',
  '"uri"',
  '"cursor"',
  '"task"',
  '"arguments"',
  '"progressToken"',
  '"requestState"',
  '"inputResponses"',
  '"io.modelcontextprotocol/protocolVersion"',
  '"io.modelcontextprotocol/clientCapabilities"',
  '"io.modelcontextprotocol/logLevel"',
  '"io.modelcontextprotocol/subscriptionId"',
  '"traceparent"',
];

/** Scalars and small containers that parsers disagree about, as text; some are no JSON. */
export const ODD_VALUES: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '1.0',
  '1.5',
  '1e3',
  '1E400',
  '-1e999',
  '1e-400',
  '9007199254740991',
  '9007199254740993',
  '-9007199254740993',
  '18446744073709551616',
  '2147483648',
  '00',
  '01',
  '+1',
  '.5',
  '1.',
  '0x10',
  'NaN',
  'Infinity',
  'undefined',
  "'single'",
  '""',
  '"1"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\u2028\u2029"',
  '"\u202e\u0301\ufeff"',
  '"\\x41"',
  '"\\u00g0"',
  '"\t"',
  '"\n"',
  '"unterminated',
  '{}',
  '[]',
  '[null]',
  '{"toString":1}',
  '{"__proto__":{"polluted":true}}',
  '{"a":1,"a":2}',
  '{"length":-1}',
  '[[[[[[[[]]]]]]]]',
  '{,}',
  '[1,]',
  '{"a"}',
  '{"a":1,}',
  '// no comment',
  '"2026-07-28"',
  '"2025-11-25"',
  '"2024-11-05"',
  '"1900-01-01"',
  '"tools/call"',
  '"initialize"',
  '"server/discover"',
  '"notifications/cancelled"',
  '"session/end"',
  '"session/stream"',
  '"rpc.discover"',
];

/** A value that is odd by its size or depth. */
export function hugeValue(random: Random): string {
  switch (random.below(6)) {
    case 0:
      return '9'.repeat(random.pick([17, 40, 310, 5_000]));
    case 1:
      return `"${random.pick(['a', '\\u0041', '\\n', 'ä', '\u{1f600}', '\\\\'])}"`.replace(
        /(?<=^")(.*)(?="$)/s,
        (unit) => unit.repeat(random.pick([64, 1_000, 20_000])),
      );
    case 2: {
      const depth = random.pick([50, 120, 130, 1_000, 20_000]);
      return '['.repeat(depth) + ']'.repeat(random.oneIn(4) ? depth - 1 : depth);
    }
    case 3: {
      const depth = random.pick([50, 120, 130, 1_000, 10_000]);
      return '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
    }
    case 4:
      return `{${Array.from({ length: random.pick([100, 2_000]) }, (_, n) => `"k${n}":${n}`).join(',')}}`;
    default:
      return `[${'0,'.repeat(random.pick([100, 20_000]))}0]`;
  }
}
