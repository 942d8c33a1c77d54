import type { CallHandle, CallSink } from '@mcp-bridge/link';
import type { OutcomeLabel } from '@mcp-bridge/metrics';
import { type BridgeError, errorReply, resultReply } from '@mcp-bridge/protocol';
import { closeStreamRetryMs } from '../calls/bridge-signal.js';
import type { BatchReplies } from './batch-replies.js';

/** What a call asks of the conversation that it is part of. */
export interface CallOwner {
  /** Writes a whole message to the client. */
  write(message: Buffer): void;
  /** The call is in flight no more; its reply, if it gets one, comes next. */
  ended(call: ConversationCall, outcome: OutcomeLabel): void;
  /** The call was said all that it will be. */
  settled(error?: BridgeError): void;
}

/** One request of a client, from the moment it was accepted until its reply is written. */
export class ConversationCall implements CallSink {
  /** Raw JSON of the client's id. */
  readonly id: string;
  /** The id in the form that compares equal for equal ids. */
  readonly key: string;
  readonly method: string;
  /** A `subscriptions/listen`, which only its client or the end of the gateway ends. */
  readonly endless: boolean;
  readonly startedAt: number;
  /** Set as soon as the link has taken the call. */
  handle: CallHandle | undefined = undefined;
  readonly #owner: CallOwner;
  readonly #batch: BatchReplies | undefined;

  constructor(
    owner: CallOwner,
    id: string,
    key: string,
    method: string,
    endless: boolean,
    batch: BatchReplies | undefined,
  ) {
    this.#owner = owner;
    this.id = id;
    this.key = key;
    this.method = method;
    this.endless = endless;
    this.#batch = batch;
    this.startedAt = performance.now();
  }

  onMessage(message: Buffer): void {
    // There is no stream of its own that could be closed for polling.
    if (closeStreamRetryMs(message) === undefined) this.#owner.write(message);
  }

  onResult(result: Buffer): void {
    this.#owner.ended(this, 'ok');
    this.#reply(resultReply(this.id, result));
    if (this.endless) this.#writeCancelled();
    this.#owner.settled();
  }

  onError(error: BridgeError): void {
    if (error.code === 'CANCELLED') this.#leave();
    else if (this.endless && error.code === 'DRAINING') this.onResult(this.#listenResult());
    else this.fail(error);
  }

  fail(error: BridgeError): void {
    this.#owner.ended(this, 'error');
    this.#reply(errorReply(this.id, error));
    this.#owner.settled(error);
  }

  /** The client wants no reply any more, or is gone. */
  cancel(): void {
    this.handle?.cancel('client');
    this.#leave();
  }

  /** Ends a listen in order, because the gateway leaves. */
  endGracefully(): void {
    this.handle?.cancel('client');
    this.onResult(this.#listenResult());
  }

  #leave(): void {
    this.#owner.ended(this, 'cancelled');
    this.#batch?.skip();
    this.#owner.settled();
  }

  #reply(message: Buffer): void {
    if (this.#batch === undefined) this.#owner.write(message);
    else this.#batch.add(message);
  }

  /** 2026-07-28 basic/patterns/subscriptions, "Graceful Closure". */
  #listenResult(): Buffer {
    const meta = `{"io.modelcontextprotocol/subscriptionId":${this.id}}`;
    return Buffer.from(`{"resultType":"complete","_meta":${meta}}`, 'utf8');
  }

  /**
   * On a channel that others share, the page on cancellation has the server send this when it ends a listen. It
   * comes after the result: a client that takes either for the end then learns first that the end is in order.
   */
  #writeCancelled(): void {
    this.#owner.write(
      Buffer.from(
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${this.id}}}`,
        'utf8',
      ),
    );
  }
}
