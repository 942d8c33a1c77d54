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
  let at = 0;
  message[at++] = RESULT_JSON;
  let length = result.length;
  for (; length > 0x7f; length >>>= 7) message[at++] = (length & 0x7f) | 0x80;
  message[at++] = length;
  at += result.copy(message, at);
  if (isError) {
    message[at++] = IS_ERROR;
    message[at++] = 1;
  }
  return message.subarray(0, at);
}
