import { BridgeError } from '@mcp-bridge/protocol';
import { toInternalCall } from '../calls/call-request.js';
import { acceptsEvents } from './content.js';
import type { GatewayParts } from './gateway-parts.js';
import { legacyClient, type Post } from './post.js';
import { parseEventId, SessionStream } from './session-stream.js';
import { legacyCallStatus } from './status.js';

/** Streams of one session at one gateway. Each message goes to one of them only; the router chooses the newest. */
const MAX_STREAMS_PER_SESSION = 4;
const END_TIMEOUT_MS = 10_000;

/** GET: the stream for what belongs to no request, or the rest of a broken stream. Legacy clients only. */
export function handleGet(parts: GatewayParts, post: Post): void {
  const { head, reply } = post;
  if (!acceptsEvents(head.accept)) {
    reply.header('Allow', 'POST, DELETE, OPTIONS');
    reply.refuse(
      new BridgeError('INVALID_REQUEST', 'GET opens an event stream: accept text/event-stream'),
      undefined,
      405,
    );
    return;
  }
  const client = legacyClient(parts, post);
  reply.method = head.lastEventId === '' ? 'session/stream' : 'session/resume';
  const position = head.lastEventId === '' ? undefined : parseEventId(head.lastEventId);
  if (head.lastEventId !== '' && position === undefined) {
    throw new BridgeError('INVALID_REQUEST', 'The Last-Event-ID is not one that was sent here');
  }
  if (parts.streams.countOf(client.session) >= MAX_STREAMS_PER_SESSION) {
    const message = `The session has ${MAX_STREAMS_PER_SESSION} streams open; close one`;
    reply.refuse(new BridgeError('INVALID_REQUEST', message), undefined, 409);
    return;
  }
  new SessionStream(parts, post, client, position);
}

/** DELETE: ends the session here at once, and at its home router for all gateways. Legacy clients only. */
export function handleDelete(parts: GatewayParts, post: Post): void {
  const { reply } = post;
  const client = legacyClient(parts, post);
  reply.method = 'session/end';
  parts.sessions.end(client.session);
  parts.link.call(toInternalCall('session/end', client, { timeoutMs: END_TIMEOUT_MS }), {
    onMessage() {},
    onResult: () => reply.empty(204),
    onError: (error) => {
      const status = legacyCallStatus(error);
      // The session is over here; that its router is gone too does not make the request fail.
      if (status === 200) reply.empty(204);
      else reply.refuse(error, undefined, status);
    },
  });
  parts.streams.endSession(client.session);
}
