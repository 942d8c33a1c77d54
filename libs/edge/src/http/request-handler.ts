import { BridgeError } from '@mcp-bridge/protocol';
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { CHALLENGE, draining, type Refusal, refusalOf, unauthenticated } from '../admission/admit.js';
import { NO_SUCH_PATH, viewOf } from '../calls/mcp-path.js';
import { type BodyReceiver, receiveBody } from './body.js';
import { acceptsReplies, isJsonContent } from './content.js';
import type { GatewayParts } from './gateway-parts.js';
import { readHead, type RequestHead } from './head.js';
import { handlePost, type Post } from './post.js';
import { HttpReply } from './reply.js';
import { handleDelete, handleGet } from './session-requests.js';

const METHODS = 'GET, POST, DELETE, OPTIONS';
const REQUEST_HEADERS =
  'Content-Type, Accept, Authorization, X-Api-Key, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID, traceparent';

/** Handles one HTTP request on any path. Never throws: uWebSockets.js would end the process. */
export function handleRequest(parts: GatewayParts, res: HttpResponse, req: HttpRequest): void {
  const reply = new HttpReply(res, parts.replies);
  try {
    const head = readHead(req);
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
    reply.refuse(new BridgeError('METHOD_NOT_FOUND', NO_SUCH_PATH));
    return;
  }
  if (head.method === 'options') {
    answerPreflight(head, reply);
    return;
  }
  if (head.method !== 'post' && head.method !== 'get' && head.method !== 'delete') {
    reply.header('Allow', METHODS);
    reply.refuse(new BridgeError('INVALID_REQUEST', `Use one of ${METHODS}`), undefined, 405);
    return;
  }
  if (parts.draining) {
    reply.closeConnection = true;
    refuse(parts, reply, draining());
    return;
  }
  const principal = parts.keyring.authenticate(head.authorization, head.apiKey);
  if (principal === undefined) {
    reply.header('WWW-Authenticate', CHALLENGE);
    refuse(parts, reply, unauthenticated());
    return;
  }
  const post: Post = { head, principal, view, reply };
  if (head.method === 'get') handleGet(parts, post);
  else if (head.method === 'delete') handleDelete(parts, post);
  else receivePost(parts, post, res);
}

function isAdmitted(parts: GatewayParts, head: RequestHead, reply: HttpReply): boolean {
  const refusal = refusalOf(parts, head);
  if (refusal?.reason !== 'origin') reply.corsOrigin = head.origin;
  if (refusal !== undefined) refuse(parts, reply, refusal);
  return refusal === undefined;
}

function refuse(parts: GatewayParts, reply: HttpReply, { reason, error }: Refusal): void {
  parts.refused(reason);
  reply.refuse(error);
}

function answerPreflight(head: RequestHead, reply: HttpReply): void {
  reply.header('Allow', METHODS);
  if (reply.corsOrigin !== '') {
    // Mcp-Param-* names are the tools' own, so what the page asks for is what it may send.
    const asked = /^[A-Za-z0-9-, ]+$/.test(head.requestedHeaders) ? head.requestedHeaders : REQUEST_HEADERS;
    reply.header('Access-Control-Allow-Methods', METHODS);
    reply.header('Access-Control-Allow-Headers', asked);
    reply.header('Access-Control-Max-Age', '600');
  }
  reply.empty(204);
}

function receivePost(parts: GatewayParts, post: Post, res: HttpResponse): void {
  const { head, reply } = post;
  if (!isJsonContent(head.contentType)) {
    reply.refuse(new BridgeError('INVALID_REQUEST', 'Content-Type must be application/json'), undefined, 415);
    return;
  }
  if (!acceptsReplies(head.accept)) {
    const message = 'Accept must list application/json and text/event-stream';
    reply.refuse(new BridgeError('INVALID_REQUEST', message), undefined, 406);
    return;
  }
  const receiver = new PostBody(parts, post);
  if (Number(head.contentLength) > parts.maxBodyBytes) receiver.onTooLarge();
  else receiveBody(res, parts.maxBodyBytes, receiver);
}

class PostBody implements BodyReceiver {
  readonly #parts: GatewayParts;
  readonly #post: Post;

  constructor(parts: GatewayParts, post: Post) {
    this.#parts = parts;
    this.#post = post;
  }

  onBody(body: Buffer): void {
    handlePost(this.#parts, this.#post, body);
  }

  onTooLarge(): void {
    const message = `The body has more than ${this.#parts.maxBodyBytes} bytes`;
    this.#post.reply.refuse(new BridgeError('PAYLOAD_TOO_LARGE', message));
  }
}
