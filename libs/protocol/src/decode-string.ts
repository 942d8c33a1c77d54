const BACKSLASH = 0x5c;

/** Short strings are looked up here before they are made: methods, versions and names come again and again. */
const RECENT_SLOTS = 512;
const RECENT_MAX_BYTES = 64;
const recent: string[] = new Array<string>(RECENT_SLOTS).fill('');

/**
 * The value of a validated JSON string.
 *
 * @param start - index of the opening quote
 * @param end - index after the closing quote
 */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  const length = end - start - 2;
  if (length > RECENT_MAX_BYTES) return decodeAny(bytes, start, end);
  let hash = length;
  for (let at = start + 1; at < end - 1; at++) {
    // `?? 0`: the range lies inside the buffer.
    const c = bytes[at] ?? 0;
    if (c >= 0x80 || c === BACKSLASH) return decodeAny(bytes, start, end);
    hash = (Math.imul(hash, 31) + c) | 0;
  }
  const slot = (hash ^ (hash >>> 16)) & (RECENT_SLOTS - 1);
  const known = recent[slot] ?? '';
  if (known.length === length && equalsAscii(bytes, start + 1, known)) return known;
  const text = bytes.toString('latin1', start + 1, end - 1);
  recent[slot] = text;
  return text;
}

/** True when the bytes at `start` are those of an ASCII text. */
export function equalsAscii(bytes: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

function decodeAny(bytes: Buffer, start: number, end: number): string {
  const inner = bytes.toString('utf8', start + 1, end - 1);
  if (!inner.includes('\\')) return inner;
  // `as`: the range was validated as a JSON string.
  return JSON.parse(`"${inner}"`) as string;
}
