/** Opcodes of RFC 6455, section 5.2. */
export const OPCODE = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

export interface FrameOptions {
  /** The message goes on in the next frame. */
  readonly more?: boolean;
  /** RSV1 to RSV3, as they lie in the first byte. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** What the header says, when that is not the truth. */
  readonly saidLength?: number;
  /** Bytes that the length is written in, when they are not the fewest. */
  readonly lengthBytes?: 2 | 8;
}

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** A frame as a client writes it, or as no client should. */
export function clientFrame(opcode: number, payload: Buffer, options: FrameOptions = {}): Buffer {
  const { more = false, reserved = 0, isMasked = true, saidLength = payload.length } = options;
  const lengthBytes = options.lengthBytes ?? (saidLength < 126 ? 0 : saidLength < 65_536 ? 2 : 8);
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = (more ? 0 : 0x80) | reserved | opcode;
  header[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : saidLength);
  if (lengthBytes === 2) header.writeUInt16BE(saidLength, 2);
  else if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(saidLength), 2);
  if (!isMasked) return Buffer.concat([header, payload]);
  const masked = Buffer.from(payload);
  for (let at = 0; at < masked.length; at += 1) masked[at] = (masked[at] ?? 0) ^ (MASK[at & 3] ?? 0);
  return Buffer.concat([header, MASK, masked]);
}
