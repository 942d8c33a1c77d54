import { BridgeError } from '@mcp-bridge/protocol';
import { DeadlineEntry } from '@mcp-bridge/link';
import type { CallRequest, CallSink, DeadlineWheel, KeepResult, Member } from '@mcp-bridge/link';
import type { ReplayStream } from '../sessions/replay-stream.js';

/**
 * One client call while the router works on it. Guards the promise of the link: messages only before the end,
 * exactly one end, by the deadline, nothing after a cancel. What a legacy client may want to hear again goes to `replay` too.
 */
export class ActiveCall extends DeadlineEntry implements Member {
  readonly request: CallRequest;
  place = -1;
  readonly #sink: CallSink;
  readonly #replay: ReplayStream | undefined;
  readonly #deadlines: DeadlineWheel;
  #onCancel: ((reason: string) => void) | undefined;
  #onEnd: (() => void)[] = [];
  #ended = false;

  constructor(
    request: CallRequest,
    sink: CallSink,
    replay: ReplayStream | undefined,
    deadlines: DeadlineWheel,
  ) {
    super();
    this.request = request;
    this.#sink = sink;
    this.#replay = replay;
    this.#deadlines = deadlines;
    if (request.timeoutMs > 0) deadlines.add(this, deadlines.now() + request.timeoutMs);
  }

  override onDeadline(): void {
    this.abort(new BridgeError('DEADLINE_EXCEEDED', 'The call was not answered in time'));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What to undo upstream when the caller gives up; the latest registration wins. */
  onCancel(cancel: (reason: string) => void): void {
    this.#onCancel = cancel;
  }

  /** Runs once, when the call ends in whichever way. */
  onEnd(callback: () => void): void {
    if (this.#ended) callback();
    else this.#onEnd.push(callback);
  }

  /** Writes one whole JSON-RPC message to the client. */
  send(message: Buffer): void {
    if (this.#ended) return;
    this.#replay?.append(message);
    this.#sink.onMessage(message);
  }

  /** Tells the gateway something that no client ever sees, and no replay either. */
  signal(message: Buffer): void {
    if (!this.#ended) this.#sink.onMessage(message);
  }

  /** @param keep - for how long gateways may give the result again */
  finish(result: Buffer, keep?: KeepResult): void {
    if (!this.#end()) return;
    this.#replay?.finish(result);
    this.#sink.onResult(result, keep);
  }

  fail(error: unknown): void {
    if (!this.#end()) return;
    const bridgeError = BridgeError.from(error);
    this.#replay?.fail(bridgeError);
    this.#sink.onError(bridgeError);
  }

  /** The caller wants no answer any more: undoes the upstream work, says nothing to the sink. */
  cancel(reason: string): void {
    const undo = this.#onCancel;
    if (!this.#end()) return;
    this.#replay?.abandon();
    undo?.(reason);
  }

  /** The client took its request back by a message: as `cancel`, and the gateway may let go of the reply it kept open. */
  withdraw(reason: string): void {
    const undo = this.#onCancel;
    if (!this.#end()) return;
    this.#replay?.abandon();
    this.#sink.onError(new BridgeError('CANCELLED', reason));
    undo?.(reason);
  }

  /** Shortens the time that is left, where there is a limit at all; it is never extended, whatever progress comes. */
  limit(timeoutMs: number): void {
    if (this.#ended || timeoutMs >= this.request.timeoutMs) return;
    const deadlineAt = this.#deadlines.now() + timeoutMs;
    if (deadlineAt < this.deadlineAt) this.#deadlines.add(this, deadlineAt);
  }

  /** Ends the call with an error and undoes the upstream work (deadline, drain). */
  abort(error: BridgeError): void {
    const undo = this.#onCancel;
    if (this.#ended) return;
    this.fail(error);
    undo?.(error.message);
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#deadlines.remove(this);
    const callbacks = this.#onEnd;
    this.#onEnd = [];
    this.#onCancel = undefined;
    for (const callback of callbacks) callback();
    return true;
  }
}
