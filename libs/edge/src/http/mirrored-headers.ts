import { BridgeError, decodeHeaderValue, type Envelope, targetOf } from '@mcp-bridge/protocol';
import type { RequestHead } from './head.js';

/**
 * Holds the headers of a modern request against its body (2026-07-28 basic/transports/streamable-http, "Server
 * Validation"): whoever routes by the header and whoever executes by the body must see the same request.
 * `Mcp-Param-*` needs the tool's schema, so the router checks those.
 *
 * @throws {BridgeError} HEADER_MISMATCH
 */
export function checkMirroredHeaders(head: RequestHead, envelope: Envelope): void {
  if (head.protocolVersion === '') throw mismatch('the MCP-Protocol-Version header is missing');
  if (head.protocolVersion !== envelope.protocolVersion) {
    throw mismatch('the MCP-Protocol-Version header does not match _meta in the body');
  }
  if (head.mcpMethod === undefined) throw mismatch('the Mcp-Method header is missing');
  if (head.mcpMethod !== envelope.method) throw mismatch('the Mcp-Method header does not match the body');
  if (targetOf(envelope.method) !== undefined) checkName(head.mcpName, envelope.name);
}

function checkName(header: string | undefined, name: string | undefined): void {
  if (header === undefined) {
    // Without a target the router refuses the request for what it lacks.
    if (name === undefined) return;
    throw mismatch('the Mcp-Name header is missing');
  }
  const decoded = decodeHeaderValue(header);
  if (decoded === undefined) throw mismatch('the Mcp-Name header is not validly encoded');
  if (decoded !== name) throw mismatch('the Mcp-Name header does not match the body');
}

function mismatch(why: string): BridgeError {
  return new BridgeError('HEADER_MISMATCH', `Header mismatch: ${why}`);
}
