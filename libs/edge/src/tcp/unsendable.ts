import {
  arrayItems,
  BridgeError,
  errorReply,
  isBatch,
  rawBytes,
  rawText,
  scanEnvelope,
} from '@mcp-bridge/protocol';

/**
 * What to send instead of a message that a client cannot be sent. The replies of a batch go one by one; a reply
 * becomes an error reply, so that every call has one; other messages have no substitute.
 */
export function substitutesFor(message: Buffer, why: BridgeError): Buffer[] {
  if (isBatch(message)) return arrayItems(message, 0).map((item) => rawBytes(message, item));
  const { kind, id } = scanEnvelope(message, { maxBytes: Infinity, maxDepth: Infinity });
  if (kind !== 'result' && kind !== 'error') return [];
  return [errorReply(id.start < 0 ? undefined : rawText(message, id), why)];
}

export function tooLongFor(maxFrameBytes: number, bytes: number): BridgeError {
  return new BridgeError(
    'PAYLOAD_TOO_LARGE',
    `The reply has ${bytes} bytes, and this client takes ${maxFrameBytes} (maxFrameBytes in its HELLO); the call has run`,
  );
}
