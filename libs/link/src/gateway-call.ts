import { BridgeError } from '@mcp-bridge/protocol';
import { DeadlineEntry } from './deadline-wheel.js';
import type { GatewayStream } from './gateway-stream.js';
import type { CallHandle, CallRequest, CallSink, CancelReason } from './link.js';
import type { LinkLog } from './link-log.js';

/** What a call asks of the pool that made it. */
export interface GatewayCallOwner {
  readonly log: LinkLog;
  now(): number;
  /** Called once, when the call has ended in whatever way, before its sink hears of it. */
  ended(call: GatewayCall): void;
}

/** A call at the gateway, from the moment it is accepted until its sink has heard the last. */
export class GatewayCall extends DeadlineEntry implements CallHandle {
  readonly request: CallRequest;
  /** Monotonic milliseconds; 0 when there is no limit. */
  readonly endsAt: number;
  /** The stream that carries the call; undefined while it waits for a router. */
  stream: GatewayStream | undefined = undefined;
  /** Its number on that stream. */
  id = 0;
  /** The batch that its CALL frame is in, as the outbox counts. */
  batchNumber = 0;
  readonly #owner: GatewayCallOwner;
  readonly #sink: CallSink;
  #finished = false;

  constructor(owner: GatewayCallOwner, request: CallRequest, sink: CallSink, endsAt: number) {
    super();
    this.#owner = owner;
    this.request = request;
    this.#sink = sink;
    this.endsAt = endsAt;
  }

  get finished(): boolean {
    return this.#finished;
  }

  message(message: Buffer): void {
    if (this.#finished) return;
    try {
      this.#sink.onMessage(message);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  result(result: Buffer): void {
    if (!this.#finish()) return;
    try {
      this.#sink.onResult(result);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  resultInParts(parts: readonly Buffer[]): void {
    if (this.#sink.onResultInParts === undefined) return this.result(Buffer.concat(parts));
    if (!this.#finish()) return;
    try {
      this.#sink.onResultInParts(parts);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  /** Ends the call without telling the router: it knows, or cannot be told. */
  fail(reason: BridgeError): void {
    if (!this.#finish()) return;
    try {
      this.#sink.onError(reason);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  /** Ends the call with this error and cancels it at the router. */
  abandon(reason: BridgeError, cancelReason: CancelReason): void {
    if (this.#finished) return;
    this.stream?.cancel(this, cancelReason);
    this.fail(reason);
  }

  cancel(reason: CancelReason = 'client'): void {
    if (this.#finished) return;
    this.stream?.cancel(this, reason);
    this.#finish();
  }

  override onDeadline(): void {
    if (this.endsAt !== 0 && this.endsAt <= this.#owner.now()) {
      this.abandon(new BridgeError('DEADLINE_EXCEEDED', 'The call was not answered in time'), 'client');
    } else {
      this.fail(new BridgeError('UPSTREAM_UNAVAILABLE', 'No router is available at the moment; try again'));
    }
  }

  #finish(): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    this.#owner.ended(this);
    return true;
  }

  #sinkThrew(error: unknown): void {
    this.#owner.log.error({ err: error, method: this.request.method }, 'The receiver of a call threw');
  }
}
