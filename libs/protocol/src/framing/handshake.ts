import { BridgeError } from '../errors.js';
import {
  DEFAULT_CREDIT_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  encodeFrame,
  FRAME_ENCODING,
  FRAME_KIND,
} from './frames.js';

/** How MESSAGE payloads are written on a connection. */
export type MessageEncoding = 'json' | 'msgpack';

/** The client's first frame. */
export interface Hello {
  /** The API key; `''` for an anonymous client. */
  readonly key: string;
  /** A server or view by name; `''` is the default view. */
  readonly view: string;
  /** What the client can read and write, the one that it likes best first. */
  readonly encodings: readonly MessageEncoding[];
  /** Longest payload that the client takes. */
  readonly maxFrameBytes: number;
  /** What the server may send before it needs CREDIT. */
  readonly credit: number;
}

/** The server's first frame: the connection is open. */
export interface Welcome {
  readonly encoding: MessageEncoding;
  /** Longest payload that the server takes. */
  readonly maxFrameBytes: number;
  /** What the client may send before it needs CREDIT. */
  readonly credit: number;
  /** The server sends PING after this much silence, and closes after as much again. */
  readonly keepAliveMs: number;
}

/** Smallest limit that a side may name: error replies must fit. */
export const LEAST_MAX_FRAME_BYTES = 1024;
const MOST_BYTES = 0x7fff_ffff;
const DEFAULT_KEEP_ALIVE_MS = 15_000;

/** Members that a side leaves out have their defaults, so this writes only what says something. */
export function encodeHello(hello: Partial<Hello>): Buffer {
  const { key, view, encodings, maxFrameBytes, credit } = hello;
  return encodeControl(FRAME_KIND.HELLO, { key, view, encodings, maxFrameBytes, credit });
}

/** @throws {BridgeError} INVALID_REQUEST when it is no HELLO; unknown members are ignored */
export function parseHello(payload: Buffer): Hello {
  const members = parseControl(payload, 'HELLO');
  return {
    key: text(members, 'key', 'HELLO'),
    view: text(members, 'view', 'HELLO'),
    encodings: encodingsOf(members),
    maxFrameBytes: size(members, 'maxFrameBytes', LEAST_MAX_FRAME_BYTES, DEFAULT_MAX_FRAME_BYTES, 'HELLO'),
    credit: size(members, 'credit', 0, DEFAULT_CREDIT_BYTES, 'HELLO'),
  };
}

export function encodeWelcome(welcome: Welcome): Buffer {
  const { encoding, maxFrameBytes, credit, keepAliveMs } = welcome;
  return encodeControl(FRAME_KIND.WELCOME, { encoding, maxFrameBytes, credit, keepAliveMs });
}

/** @throws {BridgeError} INVALID_REQUEST when it is no WELCOME; unknown members are ignored */
export function parseWelcome(payload: Buffer): Welcome {
  const members = parseControl(payload, 'WELCOME');
  const { encoding } = members;
  if (encoding !== 'json' && encoding !== 'msgpack') {
    throw malformed('WELCOME', 'encoding must be "json" or "msgpack"');
  }
  return {
    encoding,
    maxFrameBytes: size(members, 'maxFrameBytes', LEAST_MAX_FRAME_BYTES, DEFAULT_MAX_FRAME_BYTES, 'WELCOME'),
    credit: size(members, 'credit', 0, DEFAULT_CREDIT_BYTES, 'WELCOME'),
    keepAliveMs: size(members, 'keepAliveMs', 1, DEFAULT_KEEP_ALIVE_MS, 'WELCOME'),
  };
}

/** A frame whose payload is a JSON object; members that are undefined are left out. */
export function encodeControl(
  kind:
    typeof FRAME_KIND.HELLO | typeof FRAME_KIND.WELCOME | typeof FRAME_KIND.GOAWAY | typeof FRAME_KIND.ERROR,
  members: Readonly<Record<string, unknown>>,
): Buffer {
  return encodeFrame(kind, FRAME_ENCODING.JSON, Buffer.from(JSON.stringify(members), 'utf8'));
}

/** @throws {BridgeError} INVALID_REQUEST when the payload is no JSON object */
export function parseControl(payload: Buffer, frame: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw malformed(frame, 'its payload is not JSON in UTF-8', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(frame, 'its payload must be a JSON object');
  }
  return value as Record<string, unknown>; // an object, as just checked
}

export function malformed(frame: string, why: string, cause?: unknown): BridgeError {
  return new BridgeError('INVALID_REQUEST', `Malformed ${frame}: ${why}`, { cause });
}

function text(members: Record<string, unknown>, key: string, frame: string): string {
  const value = members[key] ?? '';
  if (typeof value !== 'string') throw malformed(frame, `${key} must be a string`);
  return value;
}

function size(
  members: Record<string, unknown>,
  key: string,
  least: number,
  otherwise: number,
  frame: string,
): number {
  const value = members[key] ?? otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > MOST_BYTES) {
    throw malformed(frame, `${key} must be an integer from ${least} to ${MOST_BYTES}`);
  }
  return value;
}

/** Encodings that are unknown here are passed over: a later client may list its own first. */
function encodingsOf(members: Record<string, unknown>): MessageEncoding[] {
  const value = members['encodings'] ?? ['json'];
  if (!Array.isArray(value)) throw malformed('HELLO', 'encodings must be an array');
  const known = value.filter((name): name is MessageEncoding => name === 'json' || name === 'msgpack');
  if (known.length === 0) throw malformed('HELLO', 'encodings must name "json" or "msgpack"');
  return known;
}
