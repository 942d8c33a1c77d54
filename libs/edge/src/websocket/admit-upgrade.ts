import { BridgeError } from '@mcp-bridge/protocol';
import type { Keyring } from '@mcp-bridge/identity';
import {
  type AdmissionPolicies,
  CHALLENGE,
  draining,
  type Refusal,
  refusalOf,
  unauthenticated,
} from '../admission/admit.js';
import { NO_SUCH_PATH, viewOf } from '../calls/mcp-path.js';
import type { Peer } from '../channels/conversation.js';
import type { UpgradeHead } from './upgrade-head.js';

/** The subprotocol that carries MCP. */
export const SUBPROTOCOL = 'mcp';
/** A second offer that starts so carries an API key, base64url: pages cannot set headers on a WebSocket. */
const KEY_PREFIX = 'mcp.key.';

export interface UpgradeParts extends AdmissionPolicies {
  readonly keyring: Keyring;
  readonly draining: boolean;
}

/** A client that may upgrade. */
export interface Admitted {
  readonly peer: Peer;
  /** What to answer as subprotocol, `''` for none. */
  readonly protocol: string;
}

/** Why it may not, as an HTTP reply. */
export interface UpgradeRefusal extends Refusal {
  /** When the error table's is not the one. */
  readonly status?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** Decides about an upgrade before a byte of WebSocket is spoken. */
export function admitUpgrade(parts: UpgradeParts, head: UpgradeHead): Admitted | UpgradeRefusal {
  const refusal = refusalOf(parts, head);
  if (refusal !== undefined) return refusal;
  const view = viewOf(head.path);
  if (view === undefined) return refused('METHOD_NOT_FOUND', NO_SUCH_PATH);
  if (parts.draining) return draining();
  if (!/^websocket$/i.test(head.upgrade) || !/(^|,)\s*upgrade\s*(,|$)/i.test(head.connection)) {
    return refused('INVALID_REQUEST', 'Send Upgrade: websocket and Connection: Upgrade');
  }
  if (head.version !== '13') {
    const why = refused('INVALID_REQUEST', 'Only WebSocket version 13 (RFC 6455) is spoken here');
    return { ...why, status: 426, headers: [['Sec-WebSocket-Version', '13']] };
  }
  // Clients that offer nothing are let in: generic tools offer nothing, and the path says it all.
  if (head.protocols.length > 0 && !head.protocols.includes(SUBPROTOCOL)) {
    return refused('INVALID_REQUEST', `Offer the subprotocol "${SUBPROTOCOL}"; none of yours is spoken here`);
  }
  const key = keyOffered(head);
  if (key !== '' && head.apiKey !== '') {
    return refused('INVALID_REQUEST', 'Send the API key once: as a header or as a subprotocol');
  }
  const principal = parts.keyring.authenticate(head.authorization, key === '' ? head.apiKey : key);
  if (principal === undefined) return { ...unauthenticated(), headers: [['WWW-Authenticate', CHALLENGE]] };
  return { peer: { principal, view }, protocol: head.protocols.length === 0 ? '' : SUBPROTOCOL };
}

function keyOffered(head: UpgradeHead): string {
  const offer = head.protocols.find((protocol) => protocol.startsWith(KEY_PREFIX));
  if (offer === undefined) return '';
  // An empty key must stay a wrong one, not become the absence of one.
  return Buffer.from(offer.slice(KEY_PREFIX.length), 'base64url').toString('utf8') || '\0';
}

function refused(code: 'INVALID_REQUEST' | 'METHOD_NOT_FOUND', why: string): UpgradeRefusal {
  return { reason: 'malformed', error: new BridgeError(code, why) };
}
