import { isUtf8 } from 'node:buffer';
import { BridgeError } from '../errors.js';

const DEFAULT_MAX_DEPTH = 128;

/**
 * The JSON text of one MessagePack value, for the scan that judges every message. It makes no objects, so what
 * JSON can hold arrives as it was sent: 64-bit integers digit by digit, keys that come twice twice.
 *
 * @param options.maxDepth - how deep maps and arrays may nest; 128 unless told
 * @throws {BridgeError} PARSE_ERROR when the bytes are no single MessagePack value, or hold what JSON has not:
 * binary, extensions, keys that are no strings, NaN, infinities, ill-encoded text; INVALID_REQUEST when they nest
 * too deeply
 */
export function msgpackToJson(bytes: Buffer, options: { readonly maxDepth?: number } = {}): Buffer {
  const reader = new Reader(bytes);
  const text = reader.value(options.maxDepth ?? DEFAULT_MAX_DEPTH);
  if (reader.at !== bytes.length) throw malformed(reader.at, 'there are bytes after the value');
  return Buffer.from(text, 'utf8');
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depthLeft: number): string {
    const start = this.at;
    const tag = this.#unsigned(1);
    if (tag < 0x80) return String(tag);
    if (tag < 0x90) return this.#map(tag & 0x0f, depthLeft);
    if (tag < 0xa0) return this.#array(tag & 0x0f, depthLeft);
    if (tag < 0xc0) return this.#string(tag & 0x1f);
    if (tag >= 0xe0) return String(tag - 0x100);
    switch (tag) {
      case 0xc0:
        return 'null';
      case 0xc2:
        return 'false';
      case 0xc3:
        return 'true';
      case 0xca:
        return this.#number(this.#bytes.readFloatBE(this.#take(4)), start);
      case 0xcb:
        return this.#number(this.#bytes.readDoubleBE(this.#take(8)), start);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return String(this.#unsigned(1 << (tag - 0xcc)));
      case 0xcf:
        return String(this.#bytes.readBigUInt64BE(this.#take(8)));
      case 0xd0:
        return String(this.#bytes.readInt8(this.#take(1)));
      case 0xd1:
        return String(this.#bytes.readInt16BE(this.#take(2)));
      case 0xd2:
        return String(this.#bytes.readInt32BE(this.#take(4)));
      case 0xd3:
        return String(this.#bytes.readBigInt64BE(this.#take(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#unsigned(1 << (tag - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(tag === 0xdc ? 2 : 4), depthLeft);
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(tag === 0xde ? 2 : 4), depthLeft);
      default:
        throw malformed(start, nameOf(tag));
    }
  }

  #map(count: number, depthLeft: number): string {
    if (depthLeft <= 0) throw tooDeep(this.at);
    let text = '{';
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      text += `${i === 0 ? '' : ','}${key}:${this.value(depthLeft - 1)}`;
    }
    return `${text}}`;
  }

  #array(count: number, depthLeft: number): string {
    if (depthLeft <= 0) throw tooDeep(this.at);
    let text = '[';
    for (let i = 0; i < count; i++) text += `${i === 0 ? '' : ','}${this.value(depthLeft - 1)}`;
    return `${text}]`;
  }

  #key(): string {
    const tag = this.#bytes[this.at] ?? 0xa0;
    if ((tag < 0xa0 || tag >= 0xc0) && (tag < 0xd9 || tag > 0xdb)) {
      throw malformed(this.at, 'keys of maps must be strings');
    }
    return this.value(0);
  }

  #string(length: number): string {
    const start = this.#take(length);
    const end = this.at;
    const bytes = this.#bytes;
    for (let at = start; at < end; at++) {
      // `?? 0`: the range lies inside the buffer.
      const c = bytes[at] ?? 0;
      if (c < 0x20 || c > 0x7e || c === 0x22 || c === 0x5c) return this.#escaped(start, end);
    }
    return `"${bytes.toString('latin1', start, end)}"`;
  }

  #escaped(start: number, end: number): string {
    if (!isUtf8(this.#bytes.subarray(start, end))) throw malformed(start, 'a string is not valid UTF-8');
    return JSON.stringify(this.#bytes.toString('utf8', start, end));
  }

  #number(value: number, start: number): string {
    if (!Number.isFinite(value)) throw malformed(start, 'JSON has no NaN and no infinities');
    return Object.is(value, -0) ? '-0' : JSON.stringify(value);
  }

  #unsigned(size: number): number {
    return this.#bytes.readUIntBE(this.#take(size), size);
  }

  /** Steps over this many bytes and returns where they begin. */
  #take(size: number): number {
    const start = this.at;
    if (size > this.#bytes.length - start) throw malformed(this.#bytes.length, 'the value ends too early');
    this.at = start + size;
    return start;
  }
}

function nameOf(tag: number): string {
  if (tag >= 0xc4 && tag <= 0xc6) return 'JSON has no binary; send it as base64 text';
  if (tag === 0xc1) return 'the byte c1 is never used';
  return 'JSON has no extension types';
}

function malformed(at: number, why: string): BridgeError {
  return new BridgeError('PARSE_ERROR', `Invalid MessagePack at byte ${at}: ${why}`);
}

function tooDeep(at: number): BridgeError {
  return new BridgeError('INVALID_REQUEST', `The message nests too deeply at byte ${at}`);
}
