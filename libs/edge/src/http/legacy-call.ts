import type { CallRequest, CallSink, Link } from '@mcp-bridge/link';
import { type BridgeError, errorReply, resultHead, type Revision } from '@mcp-bridge/protocol';
import { closeStreamRetryMs } from '../calls/bridge-signal.js';
import { eventFrame, primingFrame } from './event-frame.js';
import type { HttpReply, ReplyOwner } from './reply.js';
import { legacyCallStatus } from './status.js';

/** A legacy call that is not answered after this gets an event stream, so that its client can resume it. */
export const PENDING_MS = 250;

/**
 * One request of a legacy client: a JSON object when the result comes at once, else an event stream, numbered as
 * the router's log is, so that any gateway can resume it. A client that goes away does not cancel it
 * (2025-11-25 basic/transports: "Disconnection SHOULD NOT be interpreted as the client cancelling").
 */
export class LegacyCall implements CallSink, ReplyOwner {
  readonly #reply: HttpReply;
  readonly #id: string;
  readonly #stream: string;
  readonly #revision: Revision;
  readonly #onSessionLost: () => void;
  #seq = 0;

  constructor(
    reply: HttpReply,
    request: CallRequest,
    revision: Revision,
    link: Link,
    onSessionLost: () => void,
  ) {
    this.#reply = reply;
    this.#id = request.clientRequestId;
    this.#stream = request.replayStream;
    this.#revision = revision;
    this.#onSessionLost = onSessionLost;
    reply.owner = this;
    reply.watch(PENDING_MS);
    link.call(request, this);
  }

  onMessage(message: Buffer): void {
    const retryMs = closeStreamRetryMs(message);
    if (retryMs !== undefined) {
      this.#closeForPolling(retryMs);
      return;
    }
    this.#openEvents();
    this.#reply.event(eventFrame(this.#nextEventId(), '', message, ''));
  }

  onResult(result: Buffer): void {
    if (this.#reply.open) {
      this.#reply.result(this.#id, result);
      return;
    }
    this.#reply.event(eventFrame(this.#nextEventId(), resultHead(this.#id), result, '}'));
    this.#reply.endEvents('ok');
  }

  onResultInParts(parts: readonly Buffer[]): void {
    if (!this.#reply.open) return this.onResult(Buffer.concat(parts));
    this.#reply.resultInParts(this.#id, parts);
  }

  onError(error: BridgeError): void {
    if (error.code === 'SESSION_NOT_FOUND') this.#onSessionLost();
    if (error.code === 'CANCELLED') {
      // The client asked for it by notifications/cancelled: no reply is due.
      this.#reply.empty(202, 'cancelled');
      this.#reply.endEvents('cancelled');
    } else if (this.#reply.open) {
      this.#reply.refuse(error, this.#id, legacyCallStatus(error));
    } else {
      this.#reply.event(eventFrame(this.#nextEventId(), '', errorReply(this.#id, error), ''));
      this.#reply.endEvents('error');
    }
  }

  clientGone(): void {}

  quiet(): void {
    this.#openEvents();
  }

  #openEvents(): void {
    if (!this.#reply.open) return;
    // Clients before 2025-11-25 take an empty event for a broken message.
    if (this.#revision.streamPolling) this.#reply.openEvents(primingFrame(`${this.#stream}-0`));
    else this.#reply.openEvents();
  }

  /** Only where the client knows polling, and knows an event id to come back with. */
  #closeForPolling(retryMs: number): void {
    if (!this.#revision.streamPolling) return;
    this.#openEvents();
    this.#reply.endForPolling(retryMs);
  }

  #nextEventId(): string {
    this.#seq += 1;
    return `${this.#stream}-${this.#seq}`;
  }
}
