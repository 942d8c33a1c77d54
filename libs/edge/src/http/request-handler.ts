import { BridgeError } from '@mcp-bridge/protocol';
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { NO_SUCH_PATH, viewOf } from '../calls/mcp-path.js';
import { authenticate, isAdmitted, isAllowed, refuseDraining } from './admit-request.js';
import { acceptsReplies } from './content.js';
import type { GatewayParts } from './gateway-parts.js';
import { readHead, type RequestHead } from './head.js';
import { isJsonRequest, receiveJson } from './json-body.js';
import { handlePost, type Post } from './post.js';
import { HttpReply } from './reply.js';
import { handleDelete, handleGet } from './session-requests.js';
import { handleSse } from './sse/sse-requests.js';

const METHODS = ['get', 'post', 'delete'];

/** Handles one HTTP request on any path. Never throws: uWebSockets.js would end the process. */
export function handleRequest(parts: GatewayParts, res: HttpResponse, req: HttpRequest): void {
  const reply = new HttpReply(res, parts.replies);
  try {
    const head = readHead(req);
    reply.bodyless = head.method === 'head';
    route(parts, head, reply, res);
  } catch (error) {
    if (!(error instanceof BridgeError)) parts.log.error({ err: error }, 'A request handler threw');
    reply.refuse(BridgeError.from(error));
  }
}

function route(parts: GatewayParts, head: RequestHead, reply: HttpReply, res: HttpResponse): void {
  if (!isAdmitted(parts, head, reply)) return;
  const view = viewOf(head.path);
  if (view === undefined) {
    if (handleSse(parts, head, reply, res)) return;
    reply.refuse(new BridgeError('METHOD_NOT_FOUND', NO_SUCH_PATH));
    return;
  }
  if (!isAllowed(METHODS, head, reply)) return;
  if (parts.draining) {
    refuseDraining(parts, reply);
    return;
  }
  const principal = authenticate(parts, head, reply);
  if (principal === undefined) return;
  const post: Post = { head, principal, view, reply };
  if (head.method === 'get') handleGet(parts, post);
  else if (head.method === 'delete') handleDelete(parts, post);
  else receivePost(parts, post, res);
}

function receivePost(parts: GatewayParts, post: Post, res: HttpResponse): void {
  const { head, reply } = post;
  if (!isJsonRequest(post)) return;
  if (acceptsReplies(head.accept)) {
    receiveJson(parts, post, res, handlePost);
    return;
  }
  const message = 'Accept must list application/json and text/event-stream';
  reply.refuse(new BridgeError('INVALID_REQUEST', message), undefined, 406);
}
