import { ConnectRequest, LinkServiceService } from './gen/mcp_bridge/link/v1/link.js';

/**
 * `LinkService.Connect` with batches in place of messages. A FrameWriter already leaves a serialized message, and
 * reading one is taking a view; the generated code copies twice each way. Both make the same bytes.
 */
export const linkMethod = {
  ...LinkServiceService.connect,
  requestSerialize: (batch: Buffer): Buffer => batch,
  requestDeserialize: framesOf,
  responseSerialize: (batch: Buffer): Buffer => batch,
  responseDeserialize: framesOf,
} as const;

const FIELD_ONE_BYTES = 0x0a;

/** The `frames` field of a serialized ConnectRequest or ConnectResponse. */
export function framesOf(message: Buffer): Buffer {
  if (message[0] === FIELD_ONE_BYTES) {
    let length = 0;
    let at = 1;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (at + length === message.length) return message.subarray(at);
  }
  // Written by other code, or with fields that a later version added.
  return ConnectRequest.decode(message).frames;
}
