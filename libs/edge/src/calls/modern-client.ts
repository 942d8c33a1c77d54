import type { Principal } from '@mcp-bridge/link';
import { BridgeError, type Envelope, revisionOf, SUPPORTED_VERSIONS } from '@mcp-bridge/protocol';
import type { Client } from './client.js';

/**
 * What a modern request says of its client (2026-07-28 basic/index, "Per-request protocol fields"). Nothing is
 * inferred from earlier requests or the connection.
 *
 * @throws {BridgeError} INVALID_PARAMS when a required field is missing, UNSUPPORTED_VERSION
 */
export function modernClient(envelope: Envelope, principal: Principal, view: string): Client {
  const { bytes, protocolVersion, clientCapabilities, clientInfo } = envelope;
  if (protocolVersion === undefined) throw missingMeta('protocolVersion');
  const revision = revisionOf(protocolVersion);
  if (revision === undefined || revision.era !== 'modern') throw unsupportedVersion(protocolVersion);
  if (clientCapabilities.start < 0) throw missingMeta('clientCapabilities');
  return {
    principal,
    view,
    revision,
    capabilities: bytes.toString('utf8', clientCapabilities.start, clientCapabilities.end),
    clientInfo: clientInfo.start < 0 ? '' : bytes.toString('utf8', clientInfo.start, clientInfo.end),
    session: '',
  };
}

/** -32022 with what the client may try instead. */
export function unsupportedVersion(requested: string): BridgeError {
  return new BridgeError('UNSUPPORTED_VERSION', 'Unsupported protocol version', {
    data: JSON.stringify({ supported: SUPPORTED_VERSIONS, requested }),
  });
}

function missingMeta(key: string): BridgeError {
  return new BridgeError(
    'INVALID_PARAMS',
    `Invalid params: _meta["io.modelcontextprotocol/${key}"] is missing; 2026-07-28 requires it on every request`,
  );
}
