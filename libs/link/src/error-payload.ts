import { BridgeError, ERRORS, type ErrorCode } from '@mcp-bridge/protocol';
import { Cursor } from './cursor.js';

const HAS_DATA = 1;

/** The payload of an ERROR frame. `cause` stays behind: it may hold what a client must not see. */
export function encodeError(error: BridgeError): Buffer {
  const code = Buffer.from(error.code);
  const message = Buffer.from(error.message);
  const data = error.data === undefined ? undefined : Buffer.from(error.data);
  const length = 4 + 1 + 4 + code.length + 4 + message.length + (data === undefined ? 0 : 4 + data.length);
  const bytes = Buffer.allocUnsafe(length);
  let at = bytes.writeInt32LE(error.rpcCode, 0);
  at = bytes.writeUInt8(data === undefined ? 0 : HAS_DATA, at);
  for (const text of data === undefined ? [code, message] : [code, message, data]) {
    at = bytes.writeUInt32LE(text.length, at);
    at += text.copy(bytes, at);
  }
  return bytes;
}

/** A code that this version does not know becomes INTERNAL with the sender's number kept. */
export function decodeError(payload: Buffer): BridgeError {
  const cursor = Cursor.over(payload);
  const rpcCode = cursor.i32();
  const flags = cursor.u8();
  const code = cursor.string();
  const message = cursor.string();
  const known = isErrorCode(code) ? code : 'INTERNAL';
  return new BridgeError(known, message, flags & HAS_DATA ? { rpcCode, data: cursor.string() } : { rpcCode });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
