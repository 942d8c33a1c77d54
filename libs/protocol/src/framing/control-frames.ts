import { BridgeError, ERRORS, type ErrorCode } from '../errors.js';
import { encodeFrame, FRAME_ENCODING, FRAME_KIND, MAX_CREDIT_BYTES } from './frames.js';
import { encodeControl, malformed, parseControl } from './handshake.js';

/** Lets the other side send this many bytes more. */
export function encodeCredit(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return encodeFrame(FRAME_KIND.CREDIT, FRAME_ENCODING.BINARY, payload);
}

/** @throws {BridgeError} INVALID_REQUEST for none, or for more than a side may have at all */
export function parseCredit(payload: Buffer): number {
  const bytes = payload.readUInt32BE(0);
  if (bytes === 0 || bytes > MAX_CREDIT_BYTES) {
    throw malformed('CREDIT', `bytes must be an integer from 1 to ${MAX_CREDIT_BYTES}`);
  }
  return bytes;
}

/** @param token - eight bytes that the PONG brings back */
export function encodePing(token: Uint8Array): Buffer {
  return encodeFrame(FRAME_KIND.PING, FRAME_ENCODING.BINARY, token);
}

export function encodePong(token: Uint8Array): Buffer {
  return encodeFrame(FRAME_KIND.PONG, FRAME_ENCODING.BINARY, token);
}

/** "I take no new requests on this connection; what is under way will be answered." */
export interface Goaway {
  /** A word for logs, such as `draining`. */
  readonly reason: string;
  /** How long the other side should wait before it connects again. */
  readonly retryAfterMs: number;
}

export function encodeGoaway({ reason, retryAfterMs }: Goaway): Buffer {
  return encodeControl(FRAME_KIND.GOAWAY, { reason, retryAfterMs });
}

/** Total: members that are missing or of another type have their defaults. */
export function parseGoaway(payload: Buffer): Goaway {
  const { reason, retryAfterMs } = parseControl(payload, 'GOAWAY');
  return {
    reason: typeof reason === 'string' ? reason : '',
    retryAfterMs: typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : 0,
  };
}

/** The last frame of a side that gives the connection up. The message must not hold a secret. */
export function encodeFatalError(error: BridgeError): Buffer {
  return encodeControl(FRAME_KIND.ERROR, { code: error.code, message: error.message });
}

/** The error that an ERROR frame tells of; codes that are unknown here become INTERNAL. */
export function parseFatalError(payload: Buffer): BridgeError {
  const { code, message } = parseControl(payload, 'ERROR');
  const text = typeof message === 'string' ? message : 'The other side gave no reason';
  return new BridgeError(isErrorCode(code) ? code : 'INTERNAL', text);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}
