import type { BridgeError } from '@mcp-bridge/protocol';
import type { Era, UpstreamChannel, UpstreamUrlStatus } from './channel.js';
import type { Audience } from './conversation.js';
import type { Declaration } from './handshake.js';

/** What a new channel is for. */
export interface OpenOptions {
  readonly declaration: Declaration;
  readonly audience: Audience;
  /** The tenant that it serves alone, `''` when it serves everybody. */
  readonly tenant: string;
  /** Who the channel is for: equal ones are led to the same URL where a server is balanced so. */
  readonly affinity: string;
  /** Called once when a channel that was ready is gone, unless by `close`. */
  readonly onLost: (reason: BridgeError) => void;
}

/** The server answered the handshake, and said no: it does not speak this era, or not with this client. */
export interface Refusal {
  readonly refusal: BridgeError;
}

/** Opens channels to one configured server; one implementation per transport. */
export interface Connector {
  /**
   * Finds out the server's era; the channel that did it is ready for use in that era.
   * @throws {BridgeError} UPSTREAM_UNAVAILABLE
   */
  probe(options: OpenOptions): Promise<UpstreamChannel>;
  /**
   * Opens a channel in a known era, without probing.
   * @throws {BridgeError} UPSTREAM_UNAVAILABLE
   */
  open(era: Era, options: OpenOptions): Promise<UpstreamChannel | Refusal>;
  /** Why no attempt is worth while now, though nothing was tried: no failure of a start. */
  refusal?(): BridgeError | undefined;
  /** The URLs that it chooses from. */
  readonly urls?: readonly UpstreamUrlStatus[] | undefined;
  /** Releases what channels shared; they must be closed before. */
  close(): Promise<void>;
}
