import type { DeadlineWheel, Link, Principal } from '@mcp-bridge/link';
import type { Metrics, TransportLabel } from '@mcp-bridge/metrics';
import type { Logger } from '@mcp-bridge/service';
import type { Initialize } from '../sessions/initialize.js';
import { ChannelMeter } from './channel-meter.js';
import { Conversation, type ConversationHost, type Peer } from './conversation.js';
import type { MessagePipe } from './message-pipe.js';

export interface ConversationsOptions {
  readonly link: Link;
  /** From `createInitialize`. */
  readonly initialize: Initialize;
  readonly wheel: DeadlineWheel;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly transport: TransportLabel;
  /** Whole-call limit; asked for each call. */
  readonly callTimeoutMs: () => number;
  readonly maxMessageBytes: number;
  readonly maxBufferedBytes: number;
  /** Requests in flight on one channel; more are refused with OVERLOADED. Default 1 000. */
  readonly maxInFlight?: number;
}

/** The open conversations of one transport. */
export interface Conversations {
  readonly size: number;
  /** Begins a conversation on a channel whose peer was authenticated. After `drain` it is ended at once. */
  open(pipe: MessagePipe, peer: Peer): Conversation;
  /**
   * Takes no new requests, ends listens, waits for the calls in flight, and closes every channel as it becomes
   * idle; what is left after `timeoutMs` is closed then.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Closes the channels of these clients now: what let them in is valid no more. */
  revoke(isRevoked: (principal: Principal) => boolean): void;
  /** Closes every channel now. */
  close(): void;
}

const DEFAULT_MAX_IN_FLIGHT = 1_000;

export function createConversations(options: ConversationsOptions): Conversations {
  const { metrics, transport, callTimeoutMs, ...shared } = options;
  const open = new Set<Conversation>();
  let draining = false;
  let onEmpty: (() => void) | undefined;
  let extras = { timeoutMs: callTimeoutMs(), paramHeaders: '', traceparent: '', replayStream: '' };
  const host: ConversationHost = {
    ...shared,
    maxInFlight: options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT,
    get extras() {
      if (extras.timeoutMs !== callTimeoutMs()) extras = { ...extras, timeoutMs: callTimeoutMs() };
      return extras;
    },
    meter: new ChannelMeter(metrics, transport),
    onEnd(conversation) {
      open.delete(conversation);
      if (open.size === 0) onEmpty?.();
    },
  };
  const close = (): void => {
    for (const conversation of [...open]) conversation.end('draining');
  };
  return {
    get size() {
      return open.size;
    },
    open(pipe, peer) {
      const conversation = new Conversation(host, pipe, peer);
      open.add(conversation);
      if (draining) conversation.drain();
      return conversation;
    },
    async drain(timeoutMs) {
      draining = true;
      for (const conversation of [...open]) conversation.drain();
      if (open.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          onEmpty = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      close();
    },
    revoke(isRevoked) {
      for (const conversation of [...open]) {
        if (isRevoked(conversation.principal)) conversation.end('revoked');
      }
    },
    close,
  };
}
