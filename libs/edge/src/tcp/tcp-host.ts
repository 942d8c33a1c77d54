import type { Keyring } from '@mcp-bridge/identity';
import type { DeadlineWheel } from '@mcp-bridge/link';
import type { BridgeError } from '@mcp-bridge/protocol';
import type { Logger } from '@mcp-bridge/service';
import type { Conversations } from '../channels/conversations.js';
import type { WriterPool } from './socket-writer.js';

/** Why a client was not let in, or was cut off; a label for metrics. */
export type TcpFailure = 'auth' | 'draining' | 'limit' | 'malformed' | 'slow' | 'timeout' | 'tls';

/** What the connections of one listener share. */
export interface TcpHost {
  readonly conversations: Conversations;
  readonly keyring: Keyring;
  readonly wheel: DeadlineWheel;
  readonly log: Logger;
  readonly writers: WriterPool;
  /** Longest message that is taken. */
  readonly maxFrameBytes: number;
  /** Bytes that may wait for one client. */
  readonly maxBufferedBytes: number;
  readonly keepAliveMs: number;
  /** From the connection until its client is let in. */
  readonly handshakeTimeoutMs: number;
  /** No new clients are let in. */
  readonly draining: boolean;
  /** A client was let in. */
  established(seconds: number): void;
  failed(reason: TcpFailure): void;
  /** A message could not be sent as it was. */
  replaced(error: BridgeError): void;
}

/** One way of speaking on a connection: lines or frames. */
export interface TcpChannel {
  /** @throws {BridgeError} when the connection cannot go on */
  receive(chunk: Buffer): void;
  /** Tells the client why the connection ends; the end follows. */
  refuse(error: BridgeError): void;
  /** Nothing came for a while: asks for a sign of life. False where the client need not give one. */
  ask(): boolean;
  /** The gateway is leaving: tells a client that can be told. */
  leave(): void;
  /** The connection is gone. */
  closed(): void;
}
