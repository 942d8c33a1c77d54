import { decodeString } from '../decode-string.js';
import {
  byteAt,
  firstItem,
  firstMember,
  nextItem,
  nextMember,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  refuse,
  refuseDepth,
  skipColon,
  skipString,
  skipValue,
  skipWhitespace,
} from '../json-text.js';

const DEFAULT_MAX_DEPTH = 128;
const BACKSLASH = 0x5c;
/** Integers of fewer characters than this are exact as doubles. */
const SAFE_INTEGER_CHARACTERS = 16;
const LEAST_INT64 = -0x8000_0000_0000_0000n;
const MOST_UINT64 = 0xffff_ffff_ffff_ffffn;

/**
 * One JSON text, UTF-8 that was validated, as MessagePack. Integers that fit 64 bits stay exact; other numbers
 * become doubles, as `JSON.parse` would have them. Half a surrogate pair becomes U+FFFD.
 *
 * @throws {BridgeError} PARSE_ERROR when it is no JSON, or holds a number beyond doubles; INVALID_REQUEST when it
 * nests deeper than 128 levels
 */
export function jsonToMsgpack(json: Buffer): Buffer {
  const writer = new Writer(json);
  const end = writer.value(skipWhitespace(json, 0), DEFAULT_MAX_DEPTH);
  if (skipWhitespace(json, end) !== json.length) refuse(end, 'there is text after the value');
  return writer.finish();
}

class Writer {
  readonly #json: Buffer;
  #out: Buffer;
  #at = 0;

  constructor(json: Buffer) {
    this.#json = json;
    this.#out = Buffer.allocUnsafe(json.length + 64);
  }

  finish(): Buffer {
    return this.#out.subarray(0, this.#at);
  }

  /** Writes the value at `start` and returns the index after it. */
  value(start: number, depthLeft: number): number {
    const c = byteAt(this.#json, start);
    if (c === QUOTE) return this.#string(start);
    if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (depthLeft <= 0) refuseDepth(start);
      return c === OPEN_BRACE ? this.#map(start, depthLeft - 1) : this.#array(start, depthLeft - 1);
    }
    const end = skipValue(this.#json, start, 0);
    if (c === 0x74) this.#byte(0xc3);
    else if (c === 0x66) this.#byte(0xc2);
    else if (c === 0x6e) this.#byte(0xc0);
    else this.#number(this.#json.toString('latin1', start, end), start);
    return end;
  }

  #map(start: number, depthLeft: number): number {
    const header = this.#reserveHeader();
    let count = 0;
    let at = firstMember(this.#json, start);
    while (at >= 0) {
      const valueStart = skipColon(this.#json, this.#string(at));
      at = nextMember(this.#json, this.value(valueStart, depthLeft));
      count++;
    }
    this.#writeHeader(header, 0xde, count);
    return ~at;
  }

  #array(start: number, depthLeft: number): number {
    const header = this.#reserveHeader();
    let count = 0;
    let at = firstItem(this.#json, start);
    while (at >= 0) {
      at = nextItem(this.#json, this.value(at, depthLeft));
      count++;
    }
    this.#writeHeader(header, 0xdc, count);
    return ~at;
  }

  /** How many members follow is known only at the end: room for a count of 16 bits is kept. */
  #reserveHeader(): number {
    this.#need(3);
    this.#at += 3;
    return this.#at - 3;
  }

  #writeHeader(at: number, tag16: number, count: number): void {
    if (count <= 0xffff) {
      this.#out[at] = tag16;
      this.#out.writeUInt16BE(count, at + 1);
      return;
    }
    // So many members that a shift by two bytes is cheap beside them.
    this.#need(2);
    this.#out.copyWithin(at + 5, at + 3, this.#at);
    this.#at += 2;
    this.#out[at] = tag16 + 1;
    this.#out.writeUInt32BE(count, at + 1);
  }

  #string(start: number): number {
    const end = skipString(this.#json, start);
    const inner = this.#json.subarray(start + 1, end - 1);
    const bytes = inner.includes(BACKSLASH)
      ? Buffer.from(decodeString(this.#json, start, end), 'utf8')
      : inner;
    this.#need(bytes.length + 5);
    this.#stringHeader(bytes.length);
    this.#at += bytes.copy(this.#out, this.#at);
    return end;
  }

  #stringHeader(length: number): void {
    if (length < 32) this.#out[this.#at++] = 0xa0 | length;
    else if (length <= 0xff) {
      this.#out[this.#at++] = 0xd9;
      this.#out[this.#at++] = length;
    } else if (length <= 0xffff) {
      this.#out[this.#at++] = 0xda;
      this.#at = this.#out.writeUInt16BE(length, this.#at);
    } else {
      this.#out[this.#at++] = 0xdb;
      this.#at = this.#out.writeUInt32BE(length, this.#at);
    }
  }

  #number(text: string, start: number): void {
    this.#need(9);
    const value = Number(text);
    if (!Number.isFinite(value)) refuse(start, 'the number is beyond what MessagePack can hold');
    const isInteger = !/[.eE]/.test(text) && !Object.is(value, -0);
    if (isInteger && text.length < SAFE_INTEGER_CHARACTERS) this.#integer(value);
    else if (!isInteger || !this.#largeInteger(BigInt(text))) this.#double(value);
  }

  #integer(value: number): void {
    if (value >= -0x20 && value <= 0x7f) this.#out[this.#at++] = value & 0xff;
    else if (value >= 0 && value <= 0xff) this.#tagged(0xcc, value, 1);
    else if (value >= 0 && value <= 0xffff) this.#tagged(0xcd, value, 2);
    else if (value >= 0 && value <= 0xffff_ffff) this.#tagged(0xce, value, 4);
    else if (value < 0 && value >= -0x80) this.#tagged(0xd0, value + 0x100, 1);
    else if (value < 0 && value >= -0x8000) this.#tagged(0xd1, value + 0x1_0000, 2);
    else if (value < 0 && value >= -0x8000_0000) this.#tagged(0xd2, value + 0x1_0000_0000, 4);
    else this.#largeInteger(BigInt(value));
  }

  #tagged(tag: number, value: number, size: number): void {
    this.#out[this.#at++] = tag;
    this.#at = this.#out.writeUIntBE(value, this.#at, size);
  }

  /** False when it does not fit 64 bits. */
  #largeInteger(value: bigint): boolean {
    if (value >= 0n && value <= MOST_UINT64) {
      this.#out[this.#at++] = 0xcf;
      this.#at = this.#out.writeBigUInt64BE(value, this.#at);
    } else if (value < 0n && value >= LEAST_INT64) {
      this.#out[this.#at++] = 0xd3;
      this.#at = this.#out.writeBigInt64BE(value, this.#at);
    } else {
      return false;
    }
    return true;
  }

  #double(value: number): void {
    this.#out[this.#at++] = 0xcb;
    this.#at = this.#out.writeDoubleBE(value, this.#at);
  }

  #byte(value: number): void {
    this.#need(1);
    this.#out[this.#at++] = value;
  }

  #need(size: number): void {
    if (this.#at + size <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#at + size, this.#out.length * 2));
    this.#out.copy(larger, 0, 0, this.#at);
    this.#out = larger;
  }
}
