import { RouterServiceService } from '../gen/mcp_bridge/router/v1/router.js';

/** A `CallResponse` whose result is still the bytes that the tool's server sent. */
export interface RawResponse {
  /** UTF-8. */
  readonly result: Buffer;
  readonly isError: boolean;
}

/** The method `Call`, encoded without making a string of the result and bytes of it again. */
export const rawCallMethod = { ...RouterServiceService.call, responseSerialize: encodeRawResponse };

const RESULT_JSON = (1 << 3) | 2;
const IS_ERROR = 2 << 3;
/** Tags, a length of up to 32 bits and a boolean. */
const MAX_OVERHEAD = 1 + 5 + 2;

function encodeRawResponse({ result, isError }: RawResponse): Buffer {
  const message = Buffer.allocUnsafe(result.length + MAX_OVERHEAD);
  let at = message.writeUInt8(RESULT_JSON, 0);
  let length = result.length;
  for (; length > 0x7f; length >>>= 7) at = message.writeUInt8((length & 0x7f) | 0x80, at);
  at = message.writeUInt8(length, at);
  at += result.copy(message, at);
  if (isError) {
    at = message.writeUInt8(IS_ERROR, at);
    at = message.writeUInt8(1, at);
  }
  return message.subarray(0, at);
}
