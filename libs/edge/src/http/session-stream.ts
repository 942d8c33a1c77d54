import type { CallHandle, CallRequest, CallSink, Principal } from '@mcp-bridge/link';
import { type DeadlineEntry, type DeadlineWheel, createDeadline } from '@mcp-bridge/link';
import type { BridgeError } from '@mcp-bridge/protocol';
import { toInternalCall } from '../calls/call-request.js';
import { closeStreamRetryMs } from '../calls/bridge-signal.js';
import type { Client } from '../calls/client.js';
import { eventFrame, primingFrame } from './event-frame.js';
import type { GatewayParts } from './gateway-parts.js';
import type { OpenStream } from './open-streams.js';
import type { Post } from './post.js';
import type { HttpReply, ReplyOwner } from './reply.js';
import { legacyCallStatus } from './status.js';

/** An error of the router arrives within this; then the stream's head goes out. */
const HEAD_MS = 50;
/** First pause before the stream is opened again at another router; doubles up to the longest. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** What a client should wait when this gateway leaves. */
const DRAIN_RETRY_MS = 500;

/** Where a client left a stream. */
export interface StreamPosition {
  readonly stream: string;
  readonly seq: number;
}

/** Parses `Last-Event-ID`; undefined when it is not one of ours. */
export function parseEventId(lastEventId: string): StreamPosition | undefined {
  const match = /^([gp][0-9a-z]{8,64})-(\d{1,9})$/.exec(lastEventId);
  return match?.[1] === undefined ? undefined : { stream: match[1], seq: Number(match[2]) };
}

/**
 * The stream of a GET: `session/stream`, or `session/resume` with a `Last-Event-ID`. While the client stays,
 * a broken link is repaired unseen: the stream is resumed where the client is, or opened anew.
 */
export class SessionStream implements CallSink, ReplyOwner, OpenStream {
  readonly principal: Principal;
  readonly #parts: GatewayParts;
  readonly #reply: HttpReply;
  readonly #client: Client;
  readonly #wheel: DeadlineWheel;
  readonly #again: DeadlineEntry;
  #position: StreamPosition;
  #resuming: boolean;
  #pauseMs = FIRST_PAUSE_MS;
  #handle: CallHandle | undefined = undefined;

  constructor(parts: GatewayParts, { reply, principal }: Post, client: Client, resume?: StreamPosition) {
    this.principal = principal;
    this.#parts = parts;
    this.#reply = reply;
    this.#client = client;
    this.#wheel = parts.replies.wheel;
    this.#again = createDeadline(() => this.#call());
    this.#resuming = resume !== undefined;
    this.#position = resume ?? { stream: parts.streams.nextId('g'), seq: 0 };
    reply.owner = this;
    reply.watch(HEAD_MS);
    parts.streams.add(this);
    this.#call();
  }

  get session(): string {
    return this.#client.session;
  }

  onMessage(message: Buffer): void {
    const retryMs = closeStreamRetryMs(message);
    if (retryMs !== undefined) {
      if (!this.#client.revision.streamPolling) return;
      this.#openEvents();
      this.#leave();
      this.#reply.endForPolling(retryMs);
      return;
    }
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#openEvents();
    this.#position = { stream: this.#position.stream, seq: this.#position.seq + 1 };
    this.#reply.event(eventFrame(this.#eventId(), '', message, ''));
  }

  /**
   * The router has ended the stream. A resumed request has had its reply; a resumed GET stream ended when its
   * client lost it, and goes on as a new one.
   */
  onResult(): void {
    if (this.#resuming && this.#isGetStream()) {
      this.#startAnew();
      return;
    }
    this.#parts.streams.remove(this);
    this.#openEvents();
    this.#reply.endEvents('ok');
  }

  onError(error: BridgeError): void {
    if (error.code === 'SESSION_NOT_FOUND') this.#parts.sessions.end(this.#client.session);
    if (this.#resuming && error.code === 'INVALID_PARAMS' && this.#isGetStream()) {
      // What was missed is gone; what comes from now on is not.
      this.#startAnew();
      return;
    }
    if (isRepairable(error) && !this.#parts.draining && (this.#reply.streaming || this.#reply.open)) {
      this.#openEvents();
      this.#resuming = true;
      this.#wheel.add(this.#again, this.#wheel.now() + this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      return;
    }
    this.#parts.streams.remove(this);
    if (this.#reply.open) this.#reply.refuse(error, undefined, refusalStatus(error));
    else this.#reply.endEvents('error');
  }

  clientGone(): void {
    this.#leave();
  }

  quiet(): void {
    this.#openEvents();
  }

  endGracefully(): void {
    this.#openEvents();
    this.#leave();
    this.#reply.endForPolling(DRAIN_RETRY_MS);
  }

  #call(): void {
    this.#handle = this.#parts.link.call(this.#request(), this);
  }

  #request(): CallRequest {
    if (this.#resuming) {
      const params = JSON.stringify({ stream: this.#position.stream, after: this.#position.seq });
      return toInternalCall('session/resume', this.#client, { params, timeoutMs: 0 });
    }
    const replayStream = this.#position.stream;
    return toInternalCall('session/stream', this.#client, { timeoutMs: 0, replayStream });
  }

  #startAnew(): void {
    this.#resuming = false;
    this.#position = { stream: this.#parts.streams.nextId('g'), seq: 0 };
    if (this.#reply.streaming && this.#client.revision.streamPolling) {
      this.#reply.event(primingFrame(this.#eventId()));
    }
    this.#call();
  }

  #openEvents(): void {
    if (!this.#reply.open) return;
    if (this.#client.revision.streamPolling) this.#reply.openEvents(primingFrame(this.#eventId()));
    else this.#reply.openEvents();
  }

  #eventId(): string {
    return `${this.#position.stream}-${this.#position.seq}`;
  }

  #isGetStream(): boolean {
    return this.#position.stream.startsWith('g');
  }

  #leave(): void {
    this.#parts.streams.remove(this);
    this.#wheel.remove(this.#again);
    // The router keeps the log: the client may come back with its last event id.
    this.#handle?.cancel('link');
  }
}

/** Failures of the way to the router, which another attempt may not meet. */
function isRepairable(error: BridgeError): boolean {
  switch (error.code) {
    case 'OUTCOME_UNKNOWN':
    case 'UPSTREAM_UNAVAILABLE':
    case 'DRAINING':
    case 'OVERLOADED':
      return true;
    default:
      return false;
  }
}

function refusalStatus(error: BridgeError): number {
  const status = legacyCallStatus(error);
  return status === 200 ? 400 : status;
}
