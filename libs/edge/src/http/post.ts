import type { Principal } from '@mcp-bridge/link';
import {
  BridgeError,
  type Envelope,
  isBatch,
  LEGACY_VERSIONS,
  MODERN_VERSIONS,
  readableId,
  scanEnvelope,
} from '@mcp-bridge/protocol';
import { type CallExtras, idOf, toCallRequest } from '../calls/call-request.js';
import type { Client } from '../calls/client.js';
import { isMethodOf } from '../calls/method-scope.js';
import { modernClient, unsupportedVersion } from '../calls/modern-client.js';
import type { GatewayParts } from './gateway-parts.js';
import type { RequestHead } from './head.js';
import { LegacyCall } from './legacy-call.js';
import { checkMirroredHeaders } from './mirrored-headers.js';
import { ModernCall } from './modern-call.js';
import { handleBatch } from './post-batch.js';
import type { HttpReply } from './reply.js';

/** One POST whose head was admitted. */
export interface Post {
  readonly head: RequestHead;
  readonly principal: Principal;
  readonly view: string;
  readonly reply: HttpReply;
}

const EMPTY_RESULT = Buffer.from('{}');

/** Handles the whole body of a POST. Never throws; always answers, now or later. */
export function handlePost(parts: GatewayParts, post: Post, body: Buffer): void {
  parts.received(body.length);
  try {
    if (body.length === 0) throw new BridgeError('INVALID_REQUEST', 'The request has no body');
    if (isBatch(body)) handleBatch(parts, post, body);
    else handleMessage(parts, post, scanEnvelope(body, { maxBytes: parts.maxBodyBytes }));
  } catch (error) {
    const bridgeError = asBridgeError(parts, error);
    const id = bridgeError.code === 'PAYLOAD_TOO_LARGE' || body.length === 0 ? undefined : readableId(body);
    post.reply.refuse(bridgeError, id);
  }
}

function asBridgeError(parts: GatewayParts, error: unknown): BridgeError {
  if (!(error instanceof BridgeError)) parts.log.error({ err: error }, 'A request handler threw');
  return BridgeError.from(error);
}

/** Requirement 1: the era is chosen by each message itself. */
function handleMessage(parts: GatewayParts, post: Post, envelope: Envelope): void {
  post.reply.method = envelope.method;
  const isModern =
    envelope.protocolVersion !== undefined || MODERN_VERSIONS.includes(post.head.protocolVersion);
  if (isModern) handleModern(parts, post, envelope);
  else handleLegacy(parts, post, envelope);
}

function handleModern(parts: GatewayParts, post: Post, envelope: Envelope): void {
  const { head, reply } = post;
  if (envelope.kind === 'result' || envelope.kind === 'error') {
    throw new BridgeError(
      'INVALID_REQUEST',
      'Responses are not accepted; 2026-07-28 answers with inputResponses',
    );
  }
  if (envelope.kind === 'notification') {
    // 2026-07-28 defines none over HTTP: closing the stream cancels. What extensions send is not ours to judge.
    reply.empty(202);
    return;
  }
  if (envelope.method === 'initialize' && envelope.protocolVersion === undefined) {
    throw new BridgeError(
      'HEADER_MISMATCH',
      'initialize does not go with a modern MCP-Protocol-Version header',
    );
  }
  // A request that names its version in the header alone lacks its _meta, which is the first thing to say.
  if (envelope.protocolVersion !== undefined) checkMirroredHeaders(head, envelope);
  const client = modernClient(envelope, post.principal, post.view);
  const id = idOf(envelope);
  if (!isMethodOf(client.revision, envelope.method)) throw methodNotFound(envelope.method);
  const request = toCallRequest(
    envelope,
    id,
    client,
    extrasOf(parts, head, head.paramHeaders === '' ? '{}' : head.paramHeaders, ''),
  );
  new ModernCall(reply, request, { link: parts.link, streams: parts.streams, quietMs: parts.keepAliveMs });
}

function handleLegacy(parts: GatewayParts, post: Post, envelope: Envelope): void {
  if (envelope.method === 'initialize' && envelope.kind === 'request') {
    void initialize(parts, post, envelope);
    return;
  }
  const client = legacyClient(parts, post);
  if (envelope.kind !== 'request') {
    forwardInput(parts, client, envelope);
    post.reply.empty(202);
    return;
  }
  const id = idOf(envelope);
  const { reply } = post;
  if (envelope.method === 'ping') {
    reply.result(id, EMPTY_RESULT);
    return;
  }
  if (!isMethodOf(client.revision, envelope.method)) {
    reply.refuse(methodNotFound(envelope.method), id, 200);
    return;
  }
  const request = toCallRequest(
    envelope,
    id,
    client,
    extrasOf(parts, post.head, '', parts.streams.nextId('p')),
  );
  new LegacyCall(reply, request, client.revision, parts.link, () => parts.sessions.end(client.session));
}

/** @throws {BridgeError} when there is no such session here, or the version header is not one we speak */
export function legacyClient(parts: GatewayParts, post: Omit<Post, 'reply'>): Client {
  const { head, principal, view } = post;
  // A different version than the negotiated one is let pass: the header "SHOULD be the one negotiated", and the
  // session knows better.
  if (head.protocolVersion !== '' && !LEGACY_VERSIONS.includes(head.protocolVersion)) {
    throw unsupportedVersion(head.protocolVersion);
  }
  return parts.sessions.resolve(head.sessionId, principal, view);
}

/** A response, or a notification: on its way to whoever holds the call that it concerns. */
export function forwardInput(parts: GatewayParts, client: Client, envelope: Envelope): void {
  const { message, bytes } = envelope;
  parts.link.input({
    principal: client.principal,
    view: client.view,
    session: client.session,
    message: bytes.subarray(message.start, message.end),
  });
}

export function extrasOf(
  parts: GatewayParts,
  head: RequestHead,
  paramHeaders: string,
  replayStream: string,
): CallExtras {
  return { timeoutMs: parts.callTimeoutMs, paramHeaders, traceparent: head.traceparent, replayStream };
}

export function methodNotFound(method: string): BridgeError {
  return new BridgeError('METHOD_NOT_FOUND', `Method not found: ${method.slice(0, 100)}`);
}

async function initialize(parts: GatewayParts, post: Post, envelope: Envelope): Promise<void> {
  const { reply, principal, view } = post;
  const id = idOf(envelope);
  try {
    const { result, token } = await parts.initialize(envelope, principal, view);
    reply.header('Mcp-Session-Id', token);
    reply.result(id, result);
  } catch (error) {
    const bridgeError = asBridgeError(parts, error);
    const { code } = bridgeError;
    // The router says METHOD_NOT_FOUND of a view that it does not have; to a client that is a page not found.
    if (code === 'METHOD_NOT_FOUND' || code === 'SESSION_NOT_FOUND') reply.refuse(bridgeError, id, 404);
    else if (code === 'INVALID_PARAMS') reply.refuse(bridgeError, id);
    else reply.refuse(bridgeError, id, 200);
  }
}
