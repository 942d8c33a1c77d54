import { randomBytes } from 'node:crypto';
import { samePrincipal } from '@mcp-bridge/identity';
import type { Principal } from '@mcp-bridge/link';
import type { Peer } from '../../channels/conversation.js';
import type { Conversations } from '../../channels/conversations.js';
import type { HttpReply } from '../reply.js';
import { SseChannel } from './sse-channel.js';

/** The open event streams of the HTTP+SSE transport, at this gateway. */
export interface SseChannels {
  /** Answers with an event stream, and begins a conversation on it. */
  open(reply: HttpReply, peer: Peer): void;
  /** The stream that a token names, for the principal that opened it; undefined for everybody else. */
  find(token: string, principal: Principal): SseChannel | undefined;
  /** As `Conversations.drain`. */
  drain(timeoutMs: number): Promise<void>;
}

/** Where clients POST; the token follows. */
export const MESSAGES_ROOT = '/messages/';
/** Random, because it stands for a session: whoever has another principal's must not be able to use or guess it. */
const TOKEN_BYTES = 16;

export function createSseChannels(conversations: Conversations): SseChannels {
  const open = new Map<string, SseChannel>();
  return {
    open(reply, peer) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const channel = new SseChannel(reply, peer, `${MESSAGES_ROOT}${token}`, () => open.delete(token));
      open.set(token, channel);
      channel.converse(conversations);
    },
    find(token, principal) {
      const channel = open.get(token);
      return channel !== undefined && samePrincipal(channel.peer.principal, principal) ? channel : undefined;
    },
    drain: (timeoutMs) => conversations.drain(timeoutMs),
  };
}
