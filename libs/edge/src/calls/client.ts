import type { Principal } from '@mcp-bridge/link';
import type { Revision } from '@mcp-bridge/protocol';

/**
 * Who sends a message and what they speak: from the session for legacy clients, from the request itself for
 * modern ones. The same for every transport.
 */
export interface Client {
  readonly principal: Principal;
  /** `''` is the default view. */
  readonly view: string;
  readonly revision: Revision;
  /** Raw JSON object. */
  readonly capabilities: string;
  /** Raw JSON object, or `''`. */
  readonly clientInfo: string;
  /** Stable id of the legacy session, `''` for modern clients. */
  readonly session: string;
}
