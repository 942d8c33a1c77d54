import { BridgeError, errorReply, rawText, scanEnvelope } from '@mcp-bridge/protocol';

/**
 * What to send instead of a message that a client cannot be sent, best first: a reply becomes an error reply, so that
 * every call has one, and without the id when that is what cannot be sent. Other messages have no substitute.
 */
export function substitutesFor(message: Buffer, why: BridgeError): Buffer[] {
  const { kind, id } = scanEnvelope(message, { maxBytes: Infinity, maxDepth: Infinity });
  if (kind !== 'result' && kind !== 'error') return [];
  const nameless = errorReply(undefined, why);
  return id.start < 0 ? [nameless] : [errorReply(rawText(message, id), why), nameless];
}

export function tooLongFor(maxFrameBytes: number, bytes: number): BridgeError {
  return new BridgeError(
    'PAYLOAD_TOO_LARGE',
    `The reply has ${bytes} bytes, and this client takes ${maxFrameBytes} (maxFrameBytes in its HELLO); the call has run`,
  );
}
