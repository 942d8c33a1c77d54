/** One frame of a server. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface ServerFrameParser {
  push(bytes: Buffer): void;
}

/** Kinds of frames that the load generator knows (RFC 6455, section 5.2). */
export const OPCODE = { TEXT: 1, CLOSE: 8, PING: 9, PONG: 10 } as const;

const FIN = 0x80;
const MASKED = 0x80;
const SHORT_MAX = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * A frame as clients send it (RFC 6455, section 5.2). The mask is zero, so that masking costs the load
 * generator nothing; the server unmasks as ever.
 */
export function maskedFrame(opcode: (typeof OPCODE)[keyof typeof OPCODE], payload: Buffer): Buffer {
  const first = FIN | opcode;
  const mask = Buffer.alloc(4);
  if (payload.length <= SHORT_MAX)
    return Buffer.concat([Buffer.from([first, MASKED | payload.length]), mask, payload]);
  if (payload.length <= 0xffff) {
    const head = Buffer.from([first, MASKED | LENGTH_16, 0, 0]);
    head.writeUInt16BE(payload.length, 2);
    return Buffer.concat([head, mask, payload]);
  }
  const head = Buffer.alloc(10);
  head.writeUInt8(first, 0);
  head.writeUInt8(MASKED | LENGTH_64, 1);
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, mask, payload]);
}

/** Takes bytes of a server, which never masks; `onFrame` hears of each whole frame. */
export function createServerFrameParser(onFrame: (frame: ServerFrame) => void): ServerFrameParser {
  let rest: Buffer | undefined;
  return {
    push(bytes) {
      let data = rest === undefined ? bytes : Buffer.concat([rest, bytes]);
      rest = undefined;
      for (;;) {
        const span = payloadSpan(data);
        if (span === undefined || data.length < span.end) break;
        onFrame({ opcode: data.readUInt8(0) & 0x0f, payload: data.subarray(span.start, span.end) });
        data = data.subarray(span.end);
      }
      if (data.length > 0) rest = data;
    },
  };
}

function payloadSpan(data: Buffer): { readonly start: number; readonly end: number } | undefined {
  if (data.length < 2) return undefined;
  const short = data.readUInt8(1);
  if (short < LENGTH_16) return { start: 2, end: 2 + short };
  if (short === LENGTH_16) return data.length < 4 ? undefined : { start: 4, end: 4 + data.readUInt16BE(2) };
  return data.length < 10 ? undefined : { start: 10, end: 10 + Number(data.readBigUInt64BE(2)) };
}
