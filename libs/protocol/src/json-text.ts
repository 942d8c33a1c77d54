import { BridgeError } from './errors.js';

// Strict RFC 8259 over bytes: every function takes the index where its piece begins and returns the index after
// it, or throws PARSE_ERROR. Nothing here allocates unless it throws. UTF-8 is checked once, by the caller, over
// the whole message: inside strings these functions only refuse control characters and bad escapes.

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
export const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The byte at `at`, or -1 beyond the end. */
export function byteAt(bytes: Uint8Array, at: number): number {
  const c = bytes[at];
  return c === undefined ? -1 : c;
}

export function skipWhitespace(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const c = byteAt(bytes, at);
    if (c > SPACE || (c !== SPACE && c !== LF && c !== CR && c !== TAB)) return at;
    at++;
  }
}

/** Strings that are still going after this many bytes are worth a four-bytes-at-a-time view. */
const LONG_STRING_BYTES = 128;

/** @param start - index of the opening quote */
export function skipString(bytes: Uint8Array, start: number): number {
  const longAt = start + LONG_STRING_BYTES;
  let at = start + 1;
  while (at < longAt) {
    const c = byteAt(bytes, at);
    if (c === QUOTE) return at + 1;
    if (c === BACKSLASH) at = skipEscape(bytes, at);
    else if (c < SPACE) return refuseInString(c, at);
    else at++;
  }
  return skipLongString(bytes, at);
}

/** Marks the bytes of a word that come before the one with this place in it as no hits. */
const BYTES_BEFORE = [0, 0x80, 0x8080, 0x808080];

/**
 * The rest of a string, four bytes at a time. Real texts have a quote or a line break every few words, so the search
 * goes on in the middle of a word after one.
 */
function skipLongString(bytes: Uint8Array, from: number): number {
  const skew = bytes.byteOffset & 3;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset - skew, (skew + bytes.length) >> 2);
  let at = from;
  for (;;) {
    let index = (at + skew) >> 2;
    if (index < words.length) {
      // `as`: all indexes are inside, these were just compared with the length.
      let hits = hitsIn((words[index] as number) | (BYTES_BEFORE[(at + skew) & 3] as number));
      while (hits === 0 && ++index < words.length) hits = hitsIn(words[index] as number);
      at = (index << 2) - skew + (hits === 0 ? 0 : firstByteOf(hits));
    }
    const c = byteAt(bytes, at);
    if (c === QUOTE) return at + 1;
    if (c === BACKSLASH) at = skipEscape(bytes, at);
    else if (c < SPACE) return refuseInString(c, at);
    else at++;
  }
}

/**
 * Not zero exactly when the word holds a quote, a backslash or a control character: xor with 2 puts the quote next to
 * the control characters. The lowest bit is in the first of them, because a borrow can only start at one.
 */
function hitsIn(word: number): number {
  return (((word ^ 0x02020202) - 0x21212121) | ((word ^ 0x5c5c5c5c) - 0x01010101)) & ~word & -0x7f7f7f80;
}

/** The place in its word, 0 to 3, of the byte that holds the lowest bit. */
function firstByteOf(hits: number): number {
  return (31 - Math.clz32(hits & -hits)) >> 3;
}

function refuseInString(c: number, at: number): never {
  if (c < 0) return refuse(at, 'the string does not end');
  return refuse(at, 'control characters in strings must be escaped');
}

/** @param start - index of the backslash */
function skipEscape(bytes: Uint8Array, start: number): number {
  switch (byteAt(bytes, start + 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return start + 2;
    case 0x75: // u
      for (let at = start + 2; at < start + 6; at++) {
        if (!isHexDigit(byteAt(bytes, at))) refuse(at, '\\u needs four hexadecimal digits');
      }
      return start + 6;
    default:
      return refuse(start, 'unknown escape');
  }
}

function isHexDigit(c: number): boolean {
  const letter = c | 0x20;
  return (c >= ZERO && c <= NINE) || (letter >= 0x61 && letter <= 0x66);
}

function isDigit(c: number): boolean {
  return c >= ZERO && c <= NINE;
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(byteAt(bytes, at))) at++;
  if (at === start) refuse(at, 'a digit is missing');
  return at;
}

function skipNumber(bytes: Uint8Array, start: number): number {
  let at = byteAt(bytes, start) === MINUS ? start + 1 : start;
  at = byteAt(bytes, at) === ZERO ? at + 1 : skipDigits(bytes, at);
  let c = byteAt(bytes, at);
  if (c === DOT) {
    at = skipDigits(bytes, at + 1);
    c = byteAt(bytes, at);
  }
  if ((c | 0x20) === 0x65 && c > 0) {
    const sign = byteAt(bytes, at + 1);
    at = skipDigits(bytes, sign === 0x2b || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

function skipLiteral(bytes: Uint8Array, start: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (byteAt(bytes, start + i) !== word.charCodeAt(i)) refuse(start + i, `expected ${word}`);
  }
  return start + word.length;
}

/**
 * Skips any JSON value.
 * @param depthLeft - how many levels of objects and arrays may still open
 * @throws {BridgeError} INVALID_REQUEST when the value nests deeper
 */
export function skipValue(bytes: Uint8Array, start: number, depthLeft: number): number {
  const c = byteAt(bytes, start);
  switch (c) {
    case QUOTE:
      return skipString(bytes, start);
    case OPEN_BRACE:
      return skipObject(bytes, start, depthLeft);
    case OPEN_BRACKET:
      return skipArray(bytes, start, depthLeft);
    case 0x74:
      return skipLiteral(bytes, start, 'true');
    case 0x66:
      return skipLiteral(bytes, start, 'false');
    case 0x6e:
      return skipLiteral(bytes, start, 'null');
    default:
      if (c === MINUS || isDigit(c)) return skipNumber(bytes, start);
      return refuse(start, c < 0 ? 'the text ends too early' : 'a value is missing');
  }
}

function skipObject(bytes: Uint8Array, start: number, depthLeft: number): number {
  if (depthLeft <= 0) refuseDepth(start);
  let at = firstMember(bytes, start);
  while (at >= 0) {
    const valueStart = skipColon(bytes, skipString(bytes, at));
    at = nextMember(bytes, skipValue(bytes, valueStart, depthLeft - 1));
  }
  return ~at;
}

function skipArray(bytes: Uint8Array, start: number, depthLeft: number): number {
  if (depthLeft <= 0) refuseDepth(start);
  let at = firstItem(bytes, start);
  while (at >= 0) {
    at = nextItem(bytes, skipValue(bytes, at, depthLeft - 1));
  }
  return ~at;
}

/**
 * Steps into an object.
 * @param start - index of `{`
 * @returns index of the first key's quote; for `{}` the complement (`~`) of the index after `}`
 */
export function firstMember(bytes: Uint8Array, start: number): number {
  const at = skipWhitespace(bytes, start + 1);
  const c = byteAt(bytes, at);
  if (c === QUOTE) return at;
  if (c === CLOSE_BRACE) return ~(at + 1);
  return refuse(at, 'expected a key or }');
}

/** Steps from the end of a member's value to the next key, or to the complement of the object's end. */
export function nextMember(bytes: Uint8Array, valueEnd: number): number {
  const at = skipWhitespace(bytes, valueEnd);
  const c = byteAt(bytes, at);
  if (c === CLOSE_BRACE) return ~(at + 1);
  if (c !== COMMA) return refuse(at, 'expected , or }');
  const key = skipWhitespace(bytes, at + 1);
  if (byteAt(bytes, key) !== QUOTE) return refuse(key, 'expected a key');
  return key;
}

/** Steps from the end of a key over the colon to its value. */
export function skipColon(bytes: Uint8Array, keyEnd: number): number {
  const at = skipWhitespace(bytes, keyEnd);
  if (byteAt(bytes, at) !== COLON) return refuse(at, 'expected :');
  return skipWhitespace(bytes, at + 1);
}

/** Steps into an array: index of the first item, or for `[]` the complement of the index after `]`. */
export function firstItem(bytes: Uint8Array, start: number): number {
  const at = skipWhitespace(bytes, start + 1);
  return byteAt(bytes, at) === CLOSE_BRACKET ? ~(at + 1) : at;
}

/** Steps from the end of an item to the next one, or to the complement of the array's end. */
export function nextItem(bytes: Uint8Array, itemEnd: number): number {
  const at = skipWhitespace(bytes, itemEnd);
  const c = byteAt(bytes, at);
  if (c === CLOSE_BRACKET) return ~(at + 1);
  if (c !== COMMA) return refuse(at, 'expected , or ]');
  return skipWhitespace(bytes, at + 1);
}

export function refuse(at: number, why: string): never {
  throw new BridgeError('PARSE_ERROR', `Invalid JSON at byte ${at}: ${why}`);
}

export function refuseDepth(at: number): never {
  throw new BridgeError('INVALID_REQUEST', `The message nests too deeply at byte ${at}`);
}
