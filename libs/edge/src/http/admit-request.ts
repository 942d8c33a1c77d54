import type { Principal } from '@mcp-bridge/link';
import { BridgeError } from '@mcp-bridge/protocol';
import { CHALLENGE, draining, type Refusal, refusalOf, unauthenticated } from '../admission/admit.js';
import type { GatewayParts } from './gateway-parts.js';
import type { RequestHead } from './head.js';
import type { HttpReply } from './reply.js';

const REQUEST_HEADERS =
  'Content-Type, Accept, Authorization, X-Api-Key, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID, traceparent';

/** False when Origin, head or Host are refused, which then is answered. */
export function isAdmitted(parts: GatewayParts, head: RequestHead, reply: HttpReply): boolean {
  const refusal = refusalOf(parts, head);
  if (refusal?.reason !== 'origin') reply.corsOrigin = head.origin;
  if (refusal !== undefined) refuse(parts, reply, refusal);
  return refusal === undefined;
}

/** Who calls; undefined when that is nobody, which then is answered. */
export function authenticate(
  parts: GatewayParts,
  head: RequestHead,
  reply: HttpReply,
): Principal | undefined {
  const principal = parts.keyring.authenticate(head.authorization, head.apiKey);
  if (principal === undefined) {
    reply.header('WWW-Authenticate', CHALLENGE);
    refuse(parts, reply, unauthenticated());
  }
  return principal;
}

export function refuseDraining(parts: GatewayParts, reply: HttpReply): void {
  reply.closeConnection = true;
  refuse(parts, reply, draining());
}

/**
 * False when the method is none of those that the path takes; that, and the question of a page what it may send,
 * is answered.
 * @param allowed - lower case
 */
export function isAllowed(allowed: readonly string[], head: RequestHead, reply: HttpReply): boolean {
  if (allowed.includes(head.method)) return true;
  const methods = [...allowed, 'options'].join(', ').toUpperCase();
  reply.header('Allow', methods);
  if (head.method === 'options') answerPreflight(methods, head, reply);
  else reply.refuse(new BridgeError('INVALID_REQUEST', `Use one of ${methods}`), undefined, 405);
  return false;
}

function refuse(parts: GatewayParts, reply: HttpReply, { reason, error }: Refusal): void {
  parts.refused(reason);
  reply.refuse(error);
}

function answerPreflight(methods: string, head: RequestHead, reply: HttpReply): void {
  if (reply.corsOrigin !== '') {
    // Mcp-Param-* names are the tools' own, so what the page asks for is what it may send.
    const asked = /^[A-Za-z0-9-, ]+$/.test(head.requestedHeaders) ? head.requestedHeaders : REQUEST_HEADERS;
    reply.header('Access-Control-Allow-Methods', methods);
    reply.header('Access-Control-Allow-Headers', asked);
    reply.header('Access-Control-Max-Age', '600');
  }
  reply.empty(204);
}
