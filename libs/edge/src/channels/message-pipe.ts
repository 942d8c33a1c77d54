/**
 * Why the bridge ends a channel.
 *
 * - `draining`: this gateway is shutting down; the client may connect again, elsewhere.
 * - `slow`: the client leaves more unread than it may.
 * - `session-ended`: the router has ended the connection's legacy session.
 * - `too-large`: a message was longer than the limit, on a channel that cannot go on after one.
 * - `revoked`: the key that let the client in is valid no more.
 * - `failed`: a fault of the bridge itself.
 */
export type CloseReason = 'draining' | 'slow' | 'session-ended' | 'too-large' | 'revoked' | 'failed';

/**
 * The outgoing half of a duplex channel that carries whole messages. A transport implements it, and hands what
 * comes in to the `Conversation` that it got for it.
 */
export interface MessagePipe {
  /**
   * Hands over one whole JSON-RPC message (or batch), UTF-8, which may contain line breaks between its tokens.
   * May be called from within `Conversation.receive`. Must not throw.
   *
   * @returns false when more waits unsent than the transport allows: the conversation then ends with `slow`
   */
  send(message: Buffer): boolean;
  /**
   * Ends the channel after what was sent; with `slow` at once. Called at most once, never after
   * `Conversation.closed`. May call `Conversation.closed` back.
   */
  close(reason: CloseReason): void;
}
