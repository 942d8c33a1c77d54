import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';
import { CallTable } from './call-table.js';
import { encodeError } from './error-payload.js';
import { FrameChannel } from './frame-channel.js';
import type { FrameReceiver } from './frame-reader.js';
import { FRAME, type Hello, type ReplyKind, malformed } from './frames.js';
import type { CallHandler, CallRequest, CancelReason, InputMessage, KeepResult } from './link.js';
import type { LinkLimits } from './link-limits.js';
import type { LinkLog } from './link-log.js';
import { cutOff, draining, overloaded } from './refusals.js';
import { RouterCall } from './router-call.js';

export interface RouterStreamOptions {
  readonly stream: ServerDuplexStream<Buffer, Buffer>;
  readonly handler: CallHandler;
  readonly limits: LinkLimits;
  readonly maxInFlight: number;
  readonly routerId: string;
  readonly log: LinkLog;
  readonly onClosed: (stream: RouterStream) => void;
}

/** The router's side of one gateway's stream. */
export class RouterStream implements FrameReceiver {
  readonly log: LinkLog;
  readonly #options: RouterStreamOptions;
  readonly #channel: FrameChannel;
  readonly #calls = new CallTable<RouterCall>();
  #peerMaxPayloadBytes = Infinity;
  #greeted = false;
  #draining = false;
  /** The gateway has promised to send no more calls. */
  #lastCallSeen = false;
  #ending = false;
  #closed = false;
  readonly #unwatch: (() => void) | undefined;

  constructor(options: RouterStreamOptions) {
    this.#options = options;
    this.log = options.log;
    const { stream } = options;
    stream.on('data', (batch: Buffer) => this.#receive(batch));
    for (const event of ['end', 'cancelled', 'error', 'close']) stream.on(event, () => this.#gone());
    this.#channel = new FrameChannel({
      receiver: this,
      write: (batch, done) => void stream.write(batch, done),
      limits: options.limits,
      maxInFlight: options.maxInFlight,
      routerId: options.routerId,
      now: () => 0, // a router sends no deadlines
    });
    this.#unwatch = options.handler.watchStale?.({
      onStale: (epoch) => this.#channel.outbox.stale(epoch),
      onSessionStale: (session) => this.#channel.outbox.sessionStale(session),
    });
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /** Tells the gateway to go elsewhere; the stream ends with its last call. */
  drain(): void {
    if (this.#draining || this.#closed) return;
    this.#draining = true;
    this.#channel.outbox.drain();
    for (const call of this.#allCalls()) if (call.endless) call.abort('link', cutOff(true));
    this.#endWhenDone();
  }

  /** Ends what is left of a drain. */
  abandon(): void {
    for (const call of this.#allCalls()) call.abort('link', cutOff(call.endless));
    this.#lastCallSeen = true;
    this.#endWhenDone();
  }

  reply(call: RouterCall, kind: ReplyKind, payload: Buffer, keep?: KeepResult): void {
    if (payload.length > this.#peerMaxPayloadBytes) {
      this.#refuse(
        call,
        new BridgeError('PAYLOAD_TOO_LARGE', `The reply is larger than ${this.#peerMaxPayloadBytes} bytes`),
      );
    } else if (!this.#channel.outbox.reply(kind, call.id, payload, keep)) {
      const message = 'The replies of this call outran the link to the gateway';
      this.#refuse(call, new BridgeError('OUTCOME_UNKNOWN', message));
    }
  }

  replyError(call: RouterCall, error: BridgeError): void {
    this.reply(call, FRAME.ERROR, encodeError(error));
  }

  /** Ends the call with this error, ahead of everything that it still had to send. */
  fail(call: RouterCall, error: BridgeError): void {
    this.#channel.outbox.fail(call.id, encodeError(error));
  }

  remove(call: RouterCall): void {
    this.#calls.remove(call);
    if (this.#draining) this.#endWhenDone();
  }

  onHello(hello: Hello): void {
    if (this.#greeted) throw malformed('a second HELLO');
    this.#greeted = true;
    this.#channel.accept(hello);
    this.#peerMaxPayloadBytes = hello.maxPayloadBytes;
  }

  onCall(id: number, request: CallRequest): void {
    if (this.#calls.has(id)) throw malformed(`call ${id} twice`);
    const call = new RouterCall(this, id, request.timeoutMs === 0);
    if (this.#calls.size >= this.#options.maxInFlight)
      return this.fail(call, overloaded('Too many calls in flight on this link; try again later'));
    if (this.#draining && (call.endless || this.#lastCallSeen)) return this.fail(call, draining());
    this.#calls.add(call);
    try {
      call.started(this.#options.handler.call(request, call));
    } catch (error) {
      if (!(error instanceof BridgeError)) {
        this.log.error({ err: error, method: request.method }, 'The handler threw on a call');
      }
      call.onError(BridgeError.from(error));
    }
  }

  onInput(message: InputMessage): void {
    try {
      this.#options.handler.input(message);
    } catch (error) {
      this.log.error({ err: error }, 'The handler threw on an input message');
    }
  }

  onCancel(id: number, reason: CancelReason): void {
    const call = this.#calls.get(id);
    this.#channel.outbox.drop(id);
    call?.abort(reason);
  }

  onDrain(): void {
    this.#lastCallSeen = true;
    this.#endWhenDone();
  }

  onCredit(bytes: number): void {
    this.#channel.outbox.addCredit(bytes);
  }

  onReply(): void {
    throw malformed('a reply from a gateway');
  }

  onLargeResult(): void {
    throw malformed('a result from a gateway');
  }

  onStale(): void {
    throw malformed('STALE from a gateway');
  }

  onSessionStale(): void {
    throw malformed('SESSION_STALE from a gateway');
  }

  #allCalls(): RouterCall[] {
    return this.#calls.snapshot();
  }

  #refuse(call: RouterCall, error: BridgeError): void {
    this.#calls.remove(call);
    this.fail(call, error);
    call.abort('client');
  }

  #receive(batch: Buffer): void {
    if (this.#closed) return;
    try {
      this.#channel.receive(batch);
    } catch (error) {
      const reason = BridgeError.from(error);
      this.log.warn({ reason: reason.message }, 'A gateway broke the link protocol; cutting it off');
      this.#options.stream.emit('error', { code: status.INVALID_ARGUMENT, details: reason.message });
    }
  }

  #endWhenDone(): void {
    if (!this.#draining || !this.#lastCallSeen || this.#calls.size > 0 || this.#ending || this.#closed)
      return;
    this.#ending = true;
    this.#channel.outbox.whenEmpty(() => this.#options.stream.end());
  }

  /** The gateway is gone: nobody is left to tell. */
  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch?.();
    this.#channel.outbox.close();
    for (const call of this.#allCalls()) call.abort('link');
    this.#options.stream.end();
    this.#options.onClosed(this);
  }
}
