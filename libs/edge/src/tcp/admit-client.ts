import { BridgeError } from '@mcp-bridge/protocol';
import { viewOf } from '../calls/mcp-path.js';
import type { Peer } from '../channels/conversation.js';
import type { TcpHost } from './tcp-host.js';

/**
 * Decides about a client by what it says of itself.
 * @throws {BridgeError} UNAUTHENTICATED, METHOD_NOT_FOUND for a view that cannot be, DRAINING
 */
export function admitClient({ draining, keyring }: TcpHost, key: string, view: string): Peer {
  if (draining) throw leaving();
  const known = view === '' ? '' : viewOf(`/mcp/${view}`);
  if (known === undefined) {
    throw new BridgeError('METHOD_NOT_FOUND', 'There is no such view; name a server or view, or none');
  }
  const principal = keyring.authenticate('', key);
  if (principal === undefined) {
    throw new BridgeError('UNAUTHENTICATED', 'Send a valid API key in the first message of the connection');
  }
  return { principal, view: known };
}

export const RETRY_AFTER_MS = 1_000;

/** What is said to requests and clients that come while the gateway leaves. */
export function leaving(): BridgeError {
  return new BridgeError('DRAINING', 'The gateway is shutting down; connect again', {
    data: `{"retryAfterMs":${RETRY_AFTER_MS}}`,
  });
}
