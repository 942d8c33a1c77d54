import { type Client, type ClientDuplexStream, type StatusObject, status } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';
import { CallTable } from './call-table.js';
import { decodeError } from './error-payload.js';
import { FrameChannel } from './frame-channel.js';
import type { FrameReceiver } from './frame-reader.js';
import { FRAME, type Hello, type ReplyKind, malformed } from './frames.js';
import type { GatewayCall } from './gateway-call.js';
import { KeptResults } from './kept-results.js';
import type { CancelReason, InputMessage, KeepResult } from './link.js';
import type { LinkLimits } from './link-limits.js';
import { overloaded } from './refusals.js';

export type GatewayStreamState = 'connecting' | 'ready' | 'draining' | 'closed';

export interface GatewayStreamOptions {
  readonly client: Client;
  readonly stream: ClientDuplexStream<Buffer, Buffer>;
  readonly limits: LinkLimits;
  readonly now: () => number;
  /** Gives up when the router has not said HELLO by then. */
  readonly connectTimeoutMs: number;
  readonly onReady: (stream: GatewayStream) => void;
  readonly onDraining: (stream: GatewayStream) => void;
  /** Called once. All calls of the stream have been ended or handed to `onUnsent`. */
  readonly onClosed: (stream: GatewayStream, reason: string, refused: boolean) => void;
  /** Calls that have provably not reached the router, with the stream taken out of them. */
  readonly onUnsent: (calls: readonly GatewayCall[]) => void;
}

/** Ids stay small integers to V8; they come round after two thousand million calls. */
const MAX_ID = 0x7fff_ffff;

/** One stream to one router, from opening to the end. A broken stream is not mended: the connection makes another. */
export class GatewayStream implements FrameReceiver {
  readonly #options: GatewayStreamOptions;
  readonly #channel: FrameChannel;
  readonly #calls = new CallTable<GatewayCall>();
  readonly #connectTimer: NodeJS.Timeout;
  /** What its router allows to be given again, until the stream ends. */
  readonly kept = new KeptResults();
  #state: GatewayStreamState = 'connecting';
  #lastId = 0;
  #peerMaxPayloadBytes = 0;
  #maxInFlight = 0;
  #routerId = '';
  #onEnded: (() => void) | undefined = undefined;

  constructor(options: GatewayStreamOptions) {
    this.#options = options;
    const { stream } = options;
    stream.on('data', (batch: Buffer) => this.#receive(batch));
    stream.on('error', () => {}); // the status event tells the same, and always comes
    stream.on('status', (ended: StatusObject) => this.#ended(ended));
    this.#channel = new FrameChannel({
      receiver: this,
      write: (batch, done) => void stream.write(batch, done),
      limits: options.limits,
      maxInFlight: 0,
      routerId: '',
      now: options.now,
    });
    this.#connectTimer = setTimeout(
      () => this.#closed('the router did not say HELLO in time', false),
      options.connectTimeoutMs,
    );
  }

  get state(): GatewayStreamState {
    return this.#state;
  }

  /** What the router calls itself; `''` until it has said so. */
  get routerId(): string {
    return this.#routerId;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  calls(): GatewayCall[] {
    return this.#calls.snapshot();
  }

  /** Sends the call; an error when this stream cannot take it, and the call is as it was. */
  send(call: GatewayCall): BridgeError | undefined {
    if (call.request.params.length > this.#peerMaxPayloadBytes) {
      const message = `params are larger than ${this.#peerMaxPayloadBytes} bytes; send less at once`;
      return new BridgeError('PAYLOAD_TOO_LARGE', message);
    }
    if (this.#calls.size >= this.#maxInFlight)
      return overloaded('The router has too much to do; try again later');
    const id = this.#nextId();
    const batchNumber = this.#channel.outbox.call(id, call.request, call.endsAt);
    if (batchNumber < 0) return overloaded('The router has too much to do; try again later');
    call.stream = this;
    call.id = id;
    call.batchNumber = batchNumber;
    this.#calls.add(call);
    return undefined;
  }

  /** False when the message was too large, or too much waits already. */
  input(message: InputMessage): boolean {
    // Before HELLO it waits in the first batch.
    if (this.#state !== 'connecting' && message.message.length > this.#peerMaxPayloadBytes) return false;
    return this.#channel.outbox.input(this.#nextId(), message);
  }

  cancel(call: GatewayCall, reason: CancelReason): void {
    this.#channel.outbox.cancel(call.id, reason);
  }

  /** Forgets a call that has ended. */
  remove(call: GatewayCall): void {
    this.#calls.remove(call);
    this.#channel.forget(call.id);
  }

  /** Ends the stream once everything has been written; its calls must have ended. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#state === 'closed') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onEnded = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#channel.outbox.whenEmpty(() => this.#options.stream.end());
    });
    this.#closed('closed by this gateway', false);
  }

  onHello(hello: Hello): void {
    if (this.#state !== 'connecting') throw malformed('a second HELLO');
    this.#channel.accept(hello);
    this.#peerMaxPayloadBytes = hello.maxPayloadBytes;
    this.#maxInFlight = hello.maxInFlight;
    this.#routerId = hello.routerId;
    clearTimeout(this.#connectTimer);
    this.#state = 'ready';
    this.#options.onReady(this);
  }

  onReply(kind: ReplyKind, id: number, payload: Buffer, keep: KeepResult | undefined): void {
    const call = this.#calls.get(id);
    if (call === undefined) return; // cancelled or out of time while the reply was under way
    if (keep !== undefined) this.kept.keep(call.request, payload, keep, this.#options.now());
    if (kind === FRAME.RESULT) call.result(payload);
    else if (kind === FRAME.NOTE) call.message(payload);
    else call.fail(decodeError(payload));
  }

  onLargeResult(id: number, parts: readonly Buffer[], keep: KeepResult | undefined): void {
    if (keep === undefined) this.#calls.get(id)?.resultInParts(parts);
    else this.onReply(FRAME.RESULT, id, Buffer.concat(parts), keep);
  }

  /** The router leaves: what it has not begun goes elsewhere, and DRAIN in return says that no CALL follows. */
  onDrain(): void {
    if (this.#state !== 'ready') return;
    this.#state = 'draining';
    this.#options.onDraining(this);
    const unsent = this.#takeUnsent((call) => this.#channel.outbox.waits(call.id));
    for (const id of unsent.keys()) this.#channel.outbox.cancel(id, 'client');
    this.#channel.outbox.drain();
    this.#options.onUnsent([...unsent.values()]);
  }

  onStale(epoch: number): void {
    this.kept.stale(epoch);
  }

  onSessionStale(session: string): void {
    this.kept.sessionStale(session);
  }

  onCredit(bytes: number): void {
    this.#channel.outbox.addCredit(bytes);
  }

  onCall(): void {
    throw malformed('CALL from a router');
  }

  onInput(): void {
    throw malformed('INPUT from a router');
  }

  onCancel(): void {
    throw malformed('CANCEL from a router');
  }

  #receive(batch: Buffer): void {
    if (this.#state === 'closed') return;
    try {
      this.#channel.receive(batch);
    } catch (error) {
      this.#closed(BridgeError.from(error).message, false);
    }
  }

  #ended(ended: StatusObject): void {
    const refused = ended.code === status.UNAUTHENTICATED || ended.code === status.PERMISSION_DENIED;
    this.#closed(`${status[ended.code] ?? 'UNKNOWN'}: ${ended.details}`, refused);
  }

  #closed(reason: string, refused: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#connectTimer);
    const outbox = this.#channel.outbox;
    const unsent = this.#takeUnsent((call) => !outbox.mayHaveLeft(call.id, call.batchNumber));
    outbox.close();
    this.#options.stream.cancel();
    this.#options.client.close();
    this.#options.onClosed(this, reason, refused);
    for (const call of this.calls()) {
      call.fail(new BridgeError('OUTCOME_UNKNOWN', 'The link to the router broke; the call may have run'));
    }
    this.#options.onUnsent([...unsent.values()]);
    this.#onEnded?.();
  }

  #takeUnsent(isUnsent: (call: GatewayCall) => boolean): ReadonlyMap<number, GatewayCall> {
    const unsent = new Map<number, GatewayCall>();
    // In the order in which they came: so they leave for another router.
    for (const call of this.calls().sort((a, b) => a.id - b.id)) {
      if (!isUnsent(call)) continue;
      this.#calls.remove(call);
      call.stream = undefined;
      unsent.set(call.id, call);
    }
    return unsent;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === MAX_ID ? 1 : this.#lastId + 1;
    while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }
}
