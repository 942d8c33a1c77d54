import { scanEnvelope } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import { REPLY_HEAD, replyText } from './reply-text.js';

/** Every result of a tool begins like this, see `tool-result.ts`. */
const EMPTY = '{"resultType":"complete"}';
const TEMPLATE = scanEnvelope(Buffer.from(replyText(EMPTY)));

/**
 * The envelope of a reply that `replyText` made. JSON that we serialised ourselves a moment ago needs no scan: its
 * positions are known, whatever its size.
 */
export function replyEnvelope(bytes: Buffer): Envelope {
  return {
    ...TEMPLATE,
    bytes,
    message: { start: 0, end: bytes.length },
    result: { start: REPLY_HEAD.length, end: bytes.length - 1 },
  };
}
