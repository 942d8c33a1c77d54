import { BridgeError } from '@mcp-bridge/protocol';
import { type DeadlineWheel, DeadlineEntry, createDeadlineWheel } from './deadline-wheel.js';
import { KeptCalls } from './kept-calls.js';
import { KeptResults } from './kept-results.js';
import type {
  CallHandle,
  CallHandler,
  CallRequest,
  CallSink,
  CancelReason,
  InputMessage,
  KeepResult,
  Link,
} from './link.js';
import { type LinkLog, silentLog } from './link-log.js';
import { type Member, MemberList } from './member-list.js';
import { cutOff, draining, overloaded, refuseCall } from './refusals.js';

export interface InProcessLinkOptions {
  /** Shared with others where there are many; default one of its own. */
  readonly deadlines?: DeadlineWheel;
  /** More calls in flight than this are refused with OVERLOADED; default 100 000. */
  readonly maxInFlight?: number;
  readonly log?: LinkLog;
}

/**
 * The link for a gateway and a router that share a process: direct function calls behind the promises of `Link`.
 * Buffers are handed over as they are.
 */
export function createInProcessLink(handler: CallHandler, options: InProcessLinkOptions = {}): Link {
  return new InProcessLink(handler, options);
}

class InProcessLink implements Link {
  readonly handler: CallHandler;
  readonly deadlines: DeadlineWheel;
  readonly log: LinkLog;
  readonly #maxInFlight: number;
  readonly #inFlight = new MemberList<InProcessCall>();
  readonly #kept = new KeptResults();
  readonly #keptCalls: KeptCalls;
  readonly #unwatch: (() => void) | undefined;
  #accepting = true;
  #onIdle: (() => void) | undefined = undefined;

  constructor(handler: CallHandler, options: InProcessLinkOptions) {
    this.handler = handler;
    this.deadlines = options.deadlines ?? createDeadlineWheel();
    this.log = options.log ?? silentLog;
    this.#maxInFlight = options.maxInFlight ?? 100_000;
    this.#keptCalls = new KeptCalls(this.log);
    this.#unwatch = handler.watchStale?.({
      onStale: (epoch) => this.#kept.stale(epoch),
      onSessionStale: (session) => this.#kept.sessionStale(session),
    });
  }

  get ready(): boolean {
    return this.#accepting;
  }

  call(request: CallRequest, sink: CallSink): CallHandle {
    if (!this.#accepting) return refuseCall(sink, draining());
    const kept = this.#kept.find(request, this.deadlines);
    if (kept !== undefined) return this.#keptCalls.answer(sink, kept);
    if (this.#inFlight.size >= this.#maxInFlight) {
      return refuseCall(sink, overloaded(`More than ${this.#maxInFlight} calls in flight; try again later`));
    }
    const call = new InProcessCall(this, request, sink);
    this.#inFlight.add(call);
    if (request.timeoutMs > 0) this.deadlines.add(call, this.deadlines.now() + request.timeoutMs);
    call.start();
    return call;
  }

  input(message: InputMessage): void {
    try {
      this.handler.input(message);
    } catch (error) {
      this.log.error({ err: error }, 'The handler threw on an input message');
    }
  }

  keep(request: CallRequest, result: Buffer, keep: KeepResult): void {
    this.#kept.keep(request, result, keep, this.deadlines.now());
  }

  finished(call: InProcessCall): void {
    this.deadlines.remove(call);
    this.#inFlight.remove(call);
    if (this.#inFlight.size === 0) this.#onIdle?.();
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    for (const call of this.#inFlight.snapshot()) if (call.endless) call.abandon();
    if (this.#inFlight.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const call of this.#inFlight.snapshot()) call.abandon();
    this.#unwatch?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }
}

/** One call; what its handler reports goes straight to the sink, except while the handler's `call` still runs. */
class InProcessCall extends DeadlineEntry implements CallSink, CallHandle, Member {
  place = -1;
  readonly #link: InProcessLink;
  readonly #request: CallRequest;
  readonly #sink: CallSink;
  #handle: CallHandle | undefined = undefined;
  /** The handler has given its result or error. */
  #answered = false;
  /** The sink hears nothing more. */
  #finished = false;
  /**
   * True until `Link.call` has returned its handle: over gRPC no sink is called before, and a caller written
   * against one link must work with the other.
   */
  #deferring = true;
  #deferred: (() => void)[] | undefined = undefined;
  endless = false;

  constructor(link: InProcessLink, request: CallRequest, sink: CallSink) {
    super();
    this.#link = link;
    this.#request = request;
    this.#sink = sink;
  }

  start(): void {
    const request = this.#request;
    this.endless = request.timeoutMs === 0;
    try {
      this.#handle = this.#link.handler.call(request, this);
    } catch (error) {
      if (!(error instanceof BridgeError)) {
        this.#link.log.error({ err: error, method: request.method }, 'The handler threw on a call');
      }
      this.onError(BridgeError.from(error));
    }
    if (this.#finished) this.#cancelHandler('client');
    if (this.#deferred === undefined) this.#deferring = false;
    else queueMicrotask(() => this.#flush());
  }

  onMessage(message: Buffer): void {
    if (this.#answered || this.#finished) return;
    if (this.#deferring) this.#defer(() => this.#deliverMessage(message));
    else this.#deliverMessage(message);
  }

  onResult(result: Buffer, keep?: KeepResult): void {
    if (this.#answered || this.#finished) return;
    this.#answered = true;
    if (keep !== undefined) this.#link.keep(this.#request, result, keep);
    if (this.#deferring) this.#defer(() => this.#deliverResult(result));
    else this.#deliverResult(result);
  }

  onError(error: BridgeError): void {
    if (this.#answered || this.#finished) return;
    this.#answered = true;
    if (this.#deferring) this.#defer(() => this.#deliverError(error));
    else this.#deliverError(error);
  }

  cancel(reason: CancelReason = 'client'): void {
    if (this.#finish()) this.#cancelHandler(reason);
  }

  override onDeadline(): void {
    if (this.#finished) return;
    this.#cancelHandler('client');
    this.#deliverError(new BridgeError('DEADLINE_EXCEEDED', 'The call was not answered in time'));
  }

  /** Ends the call because the link closes. */
  abandon(): void {
    if (this.#finished) return;
    this.#cancelHandler('link');
    this.#deliverError(cutOff(this.endless));
  }

  #deliverMessage(message: Buffer): void {
    if (this.#finished) return;
    try {
      this.#sink.onMessage(message);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  #deliverResult(result: Buffer): void {
    if (!this.#finish()) return;
    try {
      this.#sink.onResult(result);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  #deliverError(reason: BridgeError): void {
    if (!this.#finish()) return;
    try {
      this.#sink.onError(reason);
    } catch (error) {
      this.#sinkThrew(error);
    }
  }

  /** False when the call had already ended. */
  #finish(): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    this.#link.finished(this);
    return true;
  }

  #cancelHandler(reason: CancelReason): void {
    if (this.#answered) return;
    try {
      this.#handle?.cancel(reason);
    } catch (error) {
      this.#link.log.error({ err: error }, 'The handler threw on cancel');
    }
  }

  #defer(deliver: () => void): void {
    (this.#deferred ??= []).push(deliver);
  }

  #flush(): void {
    // Delivery may make the handler report more; it lands behind what already waits.
    for (const deliver of this.#deferred ?? []) deliver();
    this.#deferring = false;
    this.#deferred = undefined;
  }

  #sinkThrew(error: unknown): void {
    this.#link.log.error({ err: error }, 'The receiver of a call threw');
  }
}
