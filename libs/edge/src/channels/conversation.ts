import type { DeadlineWheel, Link, Principal } from '@mcp-bridge/link';
import type { OutcomeLabel } from '@mcp-bridge/metrics';
import {
  BridgeError,
  canonicalId,
  type Envelope,
  errorReply,
  isBatch,
  readableId,
  scanEnvelope,
  scanMessages,
} from '@mcp-bridge/protocol';
import type { Logger } from '@mcp-bridge/service';
import { type CallExtras, idOf, isEndless, toCallRequest } from '../calls/call-request.js';
import { isMethodOf } from '../calls/method-scope.js';
import { modernClient } from '../calls/modern-client.js';
import type { Initialize } from '../sessions/initialize.js';
import { BatchReplies } from './batch-replies.js';
import type { ChannelMeter } from './channel-meter.js';
import { type CallOwner, ConversationCall } from './conversation-call.js';
import { LegacySession, type SessionOwner } from './legacy-session.js';
import type { CloseReason, MessagePipe } from './message-pipe.js';

/** Who is at the other end: authenticated once, when the channel was opened. */
export interface Peer {
  readonly principal: Principal;
  /** `''` is the default view. */
  readonly view: string;
}

/** What the conversations of one transport share. */
export interface ConversationHost {
  readonly link: Link;
  readonly initialize: Initialize;
  readonly wheel: DeadlineWheel;
  readonly log: Logger;
  readonly meter: ChannelMeter;
  /** The same for every call of a channel, which has no headers. */
  readonly extras: CallExtras;
  readonly maxMessageBytes: number;
  /** Most bytes kept of the replies to one batch, and of messages that wait for `initialize`. */
  readonly maxBufferedBytes: number;
  readonly maxInFlight: number;
  /** Called once, when the conversation is over. */
  onEnd(conversation: Conversation): void;
}

const EMPTY_RESULT = Buffer.from('{}');
const RETRY_LATER = { data: '{"retryAfterMs":1000}' };

/**
 * MCP over one duplex channel, for both eras (requirements 1 and 72). Each request says itself what it is: one
 * that claims a version in `_meta` is a stateless 2026-07-28 request; the others belong to the session that
 * `initialize` began on this channel and that ends with it. All messages share the channel: replies are told
 * apart by their ids, listens by their subscription id, and `notifications/cancelled` cancels.
 */
export class Conversation implements CallOwner, SessionOwner {
  readonly #host: ConversationHost;
  readonly #pipe: MessagePipe;
  readonly #peer: Peer;
  readonly #legacy: LegacySession;
  /** By the canonical form of the client's id. */
  readonly #calls = new Map<string, ConversationCall>();
  /** No new requests are taken. */
  #draining = false;
  /** The channel closes when nothing is in flight. */
  #leaving = false;
  /** Messages that waited for `initialize` are having their turn. */
  #redoing = false;
  #over = false;

  constructor(host: ConversationHost, pipe: MessagePipe, peer: Peer) {
    this.#host = host;
    this.#pipe = pipe;
    this.#peer = peer;
    this.#legacy = new LegacySession(host, this);
    host.meter.opened();
  }

  get principal(): Principal {
    return this.#peer.principal;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /**
   * Takes one whole message as it arrived. Never throws; answers malformed ones.
   * @param bytes - kept until the calls in it have ended: neither reuse nor mutate it
   */
  receive(bytes: Buffer): void {
    if (this.#over) return;
    this.#host.meter.received(bytes.length);
    try {
      const limits = { maxBytes: this.#host.maxMessageBytes };
      if (isBatch(bytes)) this.#batch(scanMessages(bytes, limits));
      else this.#message(scanEnvelope(bytes, limits));
    } catch (error) {
      const refusal = this.#asBridgeError(error);
      this.#refuse(refusal.code === 'PAYLOAD_TOO_LARGE' ? undefined : readableId(bytes), refusal);
    }
  }

  /** Answers a message that the transport did not keep: it was too long, or not in the transport's format. */
  refuse(error: BridgeError): void {
    this.#refuse(undefined, error);
  }

  /** The channel is gone: cancels what is in flight and ends the session. Idempotent. */
  closed(): void {
    if (this.#over) return;
    this.#over = true;
    for (const call of [...this.#calls.values()]) call.cancel();
    this.#legacy.end();
    this.#host.meter.closed();
    this.#host.onEnd(this);
  }

  /** Closes the channel, and with it the conversation. Idempotent. */
  end(reason: CloseReason): void {
    if (this.#over) return;
    this.closed();
    this.#pipe.close(reason);
  }

  /** Takes no new requests, ends listens, and closes the channel when the last call has its reply. */
  drain(): void {
    this.#draining = true;
    this.inputEnded();
  }

  /** The client will send nothing more: ends listens, and closes the channel when the last call has its reply. */
  inputEnded(): void {
    this.#leaving = true;
    for (const call of [...this.#calls.values()]) if (call.endless) call.endGracefully();
    this.#endWhenIdle();
  }

  /** For the calls and the session of this conversation. */
  write(message: Buffer): void {
    if (this.#over) return;
    this.#host.meter.sent(message.length);
    if (!this.#pipe.send(message)) this.end('slow');
  }

  /** For the calls of this conversation. */
  ended(call: ConversationCall, outcome: OutcomeLabel): void {
    // A request that was refused for its id must not take the place of the one that has it.
    if (this.#calls.get(call.key) === call) this.#calls.delete(call.key);
    this.#host.meter.done(call.method, outcome, call.startedAt);
  }

  /** For the calls of this conversation. */
  settled(error?: BridgeError): void {
    if (error?.code === 'SESSION_NOT_FOUND') this.end('session-ended');
    else this.#endWhenIdle();
  }

  #message(envelope: Envelope): void {
    const { kind, method } = envelope;
    const isLegacy = envelope.protocolVersion === undefined;
    const waits = isLegacy && this.#legacy.beginning && method !== 'ping' && method !== 'initialize';
    if (kind === 'request') {
      if (!waits) this.#request(envelope, undefined);
      else if (!this.#legacy.hold(envelope)) throw overloaded('Too much waits for initialize to be answered');
    } else if (method === 'notifications/cancelled' && this.#cancel(envelope)) {
      return;
    } else if (waits) {
      this.#legacy.hold(envelope);
    } else if (isLegacy && method !== 'notifications/cancelled') {
      // Modern clients have no other notifications and no responses.
      this.#legacy.input(envelope);
    }
  }

  /** Part of the sessions of 2025-03-26, refused everywhere else. */
  #batch(envelopes: readonly Envelope[]): void {
    const { revision } = this.#legacy.client;
    if (!revision.batches) {
      throw new BridgeError(
        'INVALID_REQUEST',
        `Protocol version ${revision.version} has no batches; send the messages one by one`,
      );
    }
    for (const { method, protocolVersion } of envelopes) {
      if (method === 'initialize' || protocolVersion !== undefined) {
        throw new BridgeError('INVALID_REQUEST', 'A batch cannot hold initialize or 2026-07-28 requests');
      }
    }
    const requests = envelopes.filter(({ kind }) => kind === 'request').length;
    const batch = new BatchReplies(requests, this.#host.maxBufferedBytes, (replies) => this.write(replies));
    for (const envelope of envelopes) {
      if (envelope.kind === 'request') this.#request(envelope, batch);
      else this.#message(envelope);
    }
  }

  #request(envelope: Envelope, batch: BatchReplies | undefined): void {
    const { bytes, method } = envelope;
    const key = canonicalId(bytes, envelope.id);
    const call = new ConversationCall(this, idOf(envelope), key, method, isEndless(method), batch);
    try {
      this.#start(envelope, call);
    } catch (error) {
      call.fail(this.#asBridgeError(error));
    }
  }

  #start(envelope: Envelope, call: ConversationCall): void {
    const { method } = envelope;
    const isLegacy = envelope.protocolVersion === undefined;
    if (this.#calls.has(call.key)) {
      throw new BridgeError(
        'INVALID_REQUEST',
        `The id ${call.id.slice(0, 100)} is that of a request in flight`,
      );
    }
    if (isLegacy && method === 'ping') {
      call.onResult(EMPTY_RESULT);
      return;
    }
    if (this.#draining) {
      throw new BridgeError('DRAINING', 'The gateway is shutting down; connect again', RETRY_LATER);
    }
    const { maxInFlight, link, extras } = this.#host;
    if (this.#calls.size >= maxInFlight) {
      throw overloaded(`More than ${maxInFlight} requests are in flight on this connection`);
    }
    if (isLegacy && method === 'initialize') {
      this.#legacy.requireNone();
      this.#calls.set(call.key, call);
      void this.#initialize(envelope, call);
      return;
    }
    const { principal, view } = this.#peer;
    const client = isLegacy ? this.#legacy.client : modernClient(envelope, principal, view);
    if (!isMethodOf(client.revision, method)) {
      throw new BridgeError('METHOD_NOT_FOUND', `Method not found: ${method.slice(0, 100)}`);
    }
    if (isLegacy) this.#legacy.use();
    this.#calls.set(call.key, call);
    call.handle = link.call(toCallRequest(envelope, call.id, client, extras), call);
  }

  async #initialize(envelope: Envelope, call: ConversationCall): Promise<void> {
    const { principal, view } = this.#peer;
    const answer = await this.#legacy
      .begin(this.#host.initialize(envelope, principal, view))
      .catch((error: unknown) => this.#asBridgeError(error));
    if (this.#over) return;
    this.#redoing = true;
    if (answer instanceof BridgeError) call.fail(answer);
    else call.onResult(answer);
    for (const held of this.#legacy.release()) this.#message(held);
    this.#redoing = false;
    this.#endWhenIdle();
  }

  /** False when no such request is in flight; `initialize` cannot be cancelled. */
  #cancel({ bytes, requestId }: Envelope): boolean {
    const call = requestId.start < 0 ? undefined : this.#calls.get(canonicalId(bytes, requestId));
    if (call?.handle === undefined) return false;
    call.cancel();
    return true;
  }

  #refuse(id: string | undefined, error: BridgeError): void {
    this.#host.meter.done('', 'error', performance.now());
    this.write(errorReply(id, error));
  }

  #endWhenIdle(): void {
    if (this.#leaving && this.#calls.size === 0 && !this.#redoing) this.end('draining');
  }

  #asBridgeError(error: unknown): BridgeError {
    if (!(error instanceof BridgeError)) this.#host.log.error({ err: error }, 'A message handler threw');
    return BridgeError.from(error);
  }
}

function overloaded(why: string): BridgeError {
  return new BridgeError('OVERLOADED', `${why}; wait for replies`, RETRY_LATER);
}
