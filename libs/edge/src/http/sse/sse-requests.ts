import { BridgeError, isBatch, readableId, scanEnvelope, scanMessages } from '@mcp-bridge/protocol';
import type { HttpResponse } from 'uWebSockets.js';
import { sseViewOf } from '../../calls/mcp-path.js';
import { sessionNotFound } from '../../sessions/sessions.js';
import { authenticate, isAllowed, refuseDraining } from '../admit-request.js';
import { acceptsEvents } from '../content.js';
import type { GatewayParts } from '../gateway-parts.js';
import type { RequestHead } from '../head.js';
import { isJsonRequest, type JsonRequest, receiveJson } from '../json-body.js';
import type { HttpReply } from '../reply.js';
import type { SseChannel } from './sse-channel.js';
import { MESSAGES_ROOT } from './sse-channels.js';

/** A POST to an open stream's endpoint. */
interface SsePost extends JsonRequest {
  readonly channel: SseChannel;
}

/**
 * Serves the paths of the HTTP+SSE transport (2024-11-05 basic/transports). Origin and Host were checked.
 * @returns false for other paths
 */
export function handleSse(
  parts: GatewayParts,
  head: RequestHead,
  reply: HttpReply,
  res: HttpResponse,
): boolean {
  const view = sseViewOf(head.path);
  if (view !== undefined) openStream(parts, head, reply, view);
  else if (head.path.startsWith(MESSAGES_ROOT)) takeMessage(parts, head, reply, res);
  else return false;
  return true;
}

/** Clients that know both transports POST here first, and take 405 for a server of this one. */
function openStream(parts: GatewayParts, head: RequestHead, reply: HttpReply, view: string): void {
  if (!isAllowed(['get'], head, reply)) return;
  if (parts.draining) {
    refuseDraining(parts, reply);
    return;
  }
  const principal = authenticate(parts, head, reply);
  if (principal === undefined) return;
  // 2024-11-05 asks for no Accept header.
  if (head.accept !== '' && !acceptsEvents(head.accept)) {
    const message = 'GET opens an event stream: accept text/event-stream';
    reply.refuse(new BridgeError('INVALID_REQUEST', message), undefined, 406);
    return;
  }
  parts.sse.open(reply, { principal, view });
}

/** Also while draining: calls in flight may wait for what the client answers. The conversation takes no new ones. */
function takeMessage(parts: GatewayParts, head: RequestHead, reply: HttpReply, res: HttpResponse): void {
  if (!isAllowed(['post'], head, reply)) return;
  const principal = authenticate(parts, head, reply);
  if (principal === undefined) return;
  const channel = parts.sse.find(head.path.slice(MESSAGES_ROOT.length), principal);
  // That of another principal must look like one that never was.
  if (channel === undefined) throw sessionNotFound();
  const post: SsePost = { head, reply, channel };
  if (isJsonRequest(post)) receiveJson(parts, post, res, handleBody);
}

/** What is no message is answered here, so that the client knows at once; all else is answered on the stream. */
function handleBody(parts: GatewayParts, { reply, channel }: SsePost, body: Buffer): void {
  try {
    const limits = { maxBytes: parts.maxBodyBytes };
    if (isBatch(body)) scanMessages(body, limits);
    else scanEnvelope(body, limits);
  } catch (error) {
    parts.received(body.length);
    reply.refuse(BridgeError.from(error), body.length === 0 ? undefined : readableId(body));
    return;
  }
  // The stream has ended while the body came.
  if (!channel.open) {
    reply.refuse(sessionNotFound());
    return;
  }
  reply.counted = false;
  channel.receive(body);
  reply.empty(202);
}
