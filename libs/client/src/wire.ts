import type { BridgeError } from '@mcp-bridge/protocol';
import type { WireMessage } from './wire-message.js';

/** One connection to a bridge that is ready for messages. */
export interface Wire {
  /**
   * Sends one message, now or as soon as the bridge takes it.
   * @throws {BridgeError} PAYLOAD_TOO_LARGE or OVERLOADED; the message was not sent
   */
  send(message: WireMessage): void;
  /** Closes after what was sent; what comes meanwhile is still heard. */
  finish(): void;
  /** Closes now. */
  destroy(): void;
}

/** Hears what a connection brings. Nothing is called before `Connect` has resolved. */
export interface WireEvents {
  onMessage(message: WireMessage): void;
  /** The bridge takes no new requests on this connection, and answers those that it has. */
  onLeaving(): void;
  /** Something came that is no message; the connection goes on. */
  onFault(error: BridgeError): void;
  /** The connection is gone, however it ended. Called once, last. */
  onClosed(error: BridgeError): void;
}

/**
 * Opens a connection.
 * @param signal - gives the attempt up
 * @throws {BridgeError} why it cannot be opened: UNAUTHENTICATED, UPSTREAM_UNAVAILABLE, …
 */
export type Connect = (events: WireEvents, signal: AbortSignal) => Promise<Wire>;
