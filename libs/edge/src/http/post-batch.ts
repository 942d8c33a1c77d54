import { BridgeError, type Envelope, MODERN_VERSIONS, resultReply, scanMessages } from '@mcp-bridge/protocol';
import { idOf, toCallRequest } from '../calls/call-request.js';
import type { Client } from '../calls/client.js';
import { isMethodOf } from '../calls/method-scope.js';
import { BatchReply } from './batch-call.js';
import type { GatewayParts } from './gateway-parts.js';
import { extrasOf, forwardInput, legacyClient, methodNotFound, type Post } from './post.js';

const EMPTY_RESULT = Buffer.from('{}');

/**
 * Handles a JSON-RPC batch: part of the sessions of 2025-03-26 and before, refused everywhere else.
 * @throws {BridgeError} INVALID_REQUEST, or what resolving the session says
 */
export function handleBatch(parts: GatewayParts, post: Post, body: Buffer): void {
  const { protocolVersion } = post.head;
  if (MODERN_VERSIONS.includes(protocolVersion)) throw noBatches(protocolVersion);
  const client = legacyClient(parts, post);
  if (!client.revision.batches) throw noBatches(client.revision.version);
  const envelopes = scanMessages(body, { maxBytes: parts.maxBodyBytes });
  for (const envelope of envelopes) refuseUnbatchable(envelope);
  const requests = envelopes.filter((envelope) => envelope.kind === 'request');
  for (const envelope of envelopes) if (envelope.kind !== 'request') forwardInput(parts, client, envelope);
  if (requests.length === 0) {
    post.reply.empty(202);
    return;
  }
  const batch = new BatchReply(post.reply, requests.length, parts.replies.maxBufferedBytes);
  for (const request of requests) begin(parts, post, client, batch, request);
}

function refuseUnbatchable(envelope: Envelope): void {
  if (envelope.method === 'initialize') {
    throw new BridgeError('INVALID_REQUEST', 'initialize must not be part of a batch');
  }
  if (envelope.protocolVersion !== undefined) throw noBatches(envelope.protocolVersion);
}

function noBatches(version: string): BridgeError {
  return new BridgeError(
    'INVALID_REQUEST',
    `Protocol version ${version.slice(0, 32)} has no batches; send one message per request`,
  );
}

function begin(parts: GatewayParts, post: Post, client: Client, batch: BatchReply, envelope: Envelope): void {
  const id = idOf(envelope);
  if (envelope.method === 'ping') batch.respond(resultReply(id, EMPTY_RESULT));
  else if (!isMethodOf(client.revision, envelope.method)) batch.fail(id, methodNotFound(envelope.method));
  else
    parts.link.call(
      toCallRequest(envelope, id, client, extrasOf(parts, post.head, '', '')),
      batch.sinkFor(id),
    );
}
