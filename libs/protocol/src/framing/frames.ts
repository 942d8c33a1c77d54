/**
 * The binary framing of MCP over TCP, version 1. README.md ("Binary TCP") gives every layout byte for byte, and
 * framing-vectors.json holds examples for implementations in other languages.
 */

/** The first byte after a frame's length. */
export const FRAME_KIND = {
  HELLO: 1,
  WELCOME: 2,
  MESSAGE: 3,
  CREDIT: 4,
  PING: 5,
  PONG: 6,
  GOAWAY: 7,
  ERROR: 8,
} as const;

export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

/** How a frame's payload is written. */
export const FRAME_ENCODING = {
  /** A layout of its own: CREDIT, PING and PONG. */
  BINARY: 0,
  /** One JSON text in UTF-8. */
  JSON: 1,
  /** One MessagePack value; only MESSAGE, and only where HELLO and WELCOME agreed on it. */
  MSGPACK: 2,
} as const;

export type FrameEncoding = (typeof FRAME_ENCODING)[keyof typeof FRAME_ENCODING];

/** u32 length of the payload, u8 kind, u8 encoding. */
export const FRAME_HEADER_BYTES = 6;
/** Longest payload of HELLO, WELCOME, GOAWAY and ERROR. */
export const MAX_CONTROL_BYTES = 16 * 1024;
/** Longest payload of a MESSAGE for a side that did not name another limit. */
export const DEFAULT_MAX_FRAME_BYTES = 1024 * 1024;
/** Credit for a side that did not name any. */
export const DEFAULT_CREDIT_BYTES = 1024 * 1024;
/** Credit that a side may have at most; more is a fault of the side that gave it. */
export const MAX_CREDIT_BYTES = 0x7fff_ffff;

/** What a MESSAGE takes from its sender's credit. */
export function creditCost(payloadBytes: number): number {
  return FRAME_HEADER_BYTES + payloadBytes;
}

/** Writes a frame's header and returns the index after it. */
export function writeFrameHeader(
  target: Buffer,
  at: number,
  kind: FrameKind,
  encoding: FrameEncoding,
  payloadBytes: number,
): number {
  target.writeUInt32BE(payloadBytes, at);
  target[at + 4] = kind;
  target[at + 5] = encoding;
  return at + FRAME_HEADER_BYTES;
}

/** A whole frame; the payload is copied. */
export function encodeFrame(kind: FrameKind, encoding: FrameEncoding, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.set(payload, writeFrameHeader(frame, 0, kind, encoding, payload.length));
  return frame;
}
