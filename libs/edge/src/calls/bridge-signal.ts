/**
 * Message that a router sends to the gateway among a call's messages, never to a client: "close this stream's
 * connection now, the client will resume it" (SEP-1699). It has no event id and is not part of the replay log.
 *
 *     {"jsonrpc":"2.0","method":"notifications/bridge/close_stream","params":{"retryMs":1000}}
 */
const CLOSE_STREAM = Buffer.from('"notifications/bridge/close_stream"');
/** The message is short; a large one is not looked into. */
const MAX_SIGNAL_BYTES = 256;
const DEFAULT_RETRY_MS = 1000;

/** Milliseconds after which the client may resume; undefined when the message is an ordinary one. */
export function closeStreamRetryMs(message: Buffer): number | undefined {
  if (message.length > MAX_SIGNAL_BYTES || message.indexOf(CLOSE_STREAM) < 0) return undefined;
  const parsed: unknown = JSON.parse(message.toString('utf8'));
  if (!isSignal(parsed)) return undefined;
  const retryMs = parsed.params?.retryMs;
  return typeof retryMs === 'number' && retryMs >= 0 ? Math.trunc(retryMs) : DEFAULT_RETRY_MS;
}

function isSignal(value: unknown): value is { params?: { retryMs?: unknown } } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'method' in value &&
    value.method === 'notifications/bridge/close_stream'
  );
}
