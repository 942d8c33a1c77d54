import { BridgeError, notificationMessage, scanEnvelope } from '@mcp-bridge/protocol';
import type { UpstreamSink } from '../upstream/channel.js';
import { replyEnvelope } from './reply-envelope.js';
import type { CallInput } from './run-calls.js';

/** Whoever has the call at the moment: it waits for a batch, for a thread, or runs. */
export interface CallHolder {
  /** The call has ended; nobody waits for it any more. */
  withdraw(call: NativeCall): void;
}

/** One client's call of a native tool. Ends exactly once; what comes later is dropped. */
export class NativeCall {
  readonly input: CallInput;
  readonly tenant: string;
  holder: CallHolder | undefined;
  /** Monotonic milliseconds; set for calls that are gathered into batches. */
  arrivedAt = 0;
  readonly #sink: UpstreamSink;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(input: CallInput, sink: UpstreamSink, timeoutMs: number | undefined, onEnd: () => void) {
    this.input = input;
    this.tenant = input.principal.tenant;
    this.#sink = sink;
    this.#onEnd = onEnd;
    if (timeoutMs !== undefined) this.#endAfter(timeoutMs);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @param params - raw JSON */
  tell(method: string, params: string): void {
    if (this.#ended) return;
    this.#sink.onNotification(scanEnvelope(notificationMessage(method, Buffer.from(params))));
  }

  /** @param reply - a whole reply as `replyText` makes it; not copied */
  succeed(reply: Buffer): void {
    if (this.#end()) this.#sink.onResult(replyEnvelope(reply));
  }

  fail(error: BridgeError): void {
    if (this.#end()) this.#sink.onError(error);
  }

  /** The sink hears nothing any more. */
  cancel(): void {
    if (this.#end()) this.holder?.withdraw(this);
  }

  #endAfter(timeoutMs: number): void {
    this.#timer = setTimeout(() => {
      this.fail(new BridgeError('DEADLINE_EXCEEDED', `The tool did not answer within ${timeoutMs} ms`));
      this.holder?.withdraw(this);
    }, timeoutMs);
    this.#timer.unref();
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onEnd();
    return true;
  }
}
