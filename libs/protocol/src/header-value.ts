import { isUtf8 } from 'node:buffer';

const PREFIX = '=?base64?';
const SUFFIX = '?=';
const BLANK_EDGE = /^[ \t]|[ \t]$/;
const PLAIN = /^[\x20-\x7e]*$/;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * A value as it goes into `Mcp-Name` or `Mcp-Param-*` (2026-07-28 basic/transports/streamable-http, "Value
 * Encoding"): plain where a header can carry it, else the Base64 of its UTF-8 between `=?base64?` and `?=`.
 */
export function encodeHeaderValue(value: string): string {
  const isPlain = PLAIN.test(value) && !BLANK_EDGE.test(value) && !looksEncoded(value);
  return isPlain ? value : `${PREFIX}${Buffer.from(value, 'utf8').toString('base64')}${SUFFIX}`;
}

/**
 * The value that a header carries; undefined when it is malformed: characters that a header must not have, bad
 * Base64 (alphabet, padding, stray bits) or bytes that are not UTF-8. Blanks around the value do not count.
 */
export function decodeHeaderValue(header: string): string | undefined {
  const value = trimBlanks(header);
  if (!FIELD_VALUE.test(value)) return undefined;
  if (!looksEncoded(value)) return value;
  const base64 = value.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(base64, 'base64');
  // Buffer skips what it does not understand; only the canonical text survives the way back.
  if (value.length < PREFIX.length + SUFFIX.length || bytes.toString('base64') !== base64) return undefined;
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/**
 * Whether a header says what the body says. Strings are compared exactly, numbers by value (`42.0` equals `42`),
 * booleans as `true` and `false`. A malformed header matches nothing.
 */
export function headerMatches(headerValue: string, bodyValue: string | number | boolean): boolean {
  const value = decodeHeaderValue(headerValue);
  if (value === undefined) return false;
  if (typeof bodyValue !== 'number') return value === String(bodyValue);
  // Beyond 2^53 unlike integers become equal as numbers; there only the same text will do.
  if (!Number.isSafeInteger(bodyValue) && Number.isInteger(bodyValue)) return value === String(bodyValue);
  return DECIMAL.test(value) && Number(value) === bodyValue;
}

function looksEncoded(value: string): boolean {
  return value.startsWith(PREFIX) && value.endsWith(SUFFIX);
}

/** Not a regular expression: on a long run of blanks inside the value one would take quadratic time. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}
