import type { BridgeError } from '@mcp-bridge/protocol';
import { FRAME } from './frames.js';
import type { CallHandle, CallSink, CancelReason, KeepResult } from './link.js';
import type { RouterStream } from './router-stream.js';

/** A call at the router: what the handler reports leaves as frames. */
export class RouterCall implements CallSink {
  readonly id: number;
  /** It stays open until someone ends it, so a drain does not wait for it. */
  readonly endless: boolean;
  #handle: CallHandle | undefined = undefined;
  #ended = false;
  readonly #stream: RouterStream;

  constructor(stream: RouterStream, id: number, endless: boolean) {
    this.#stream = stream;
    this.id = id;
    this.endless = endless;
  }

  /** Takes the handle that the handler's `call` has returned. */
  started(handle: CallHandle): void {
    this.#handle = handle;
  }

  onMessage(message: Buffer): void {
    if (!this.#ended) this.#stream.reply(this, FRAME.NOTE, message);
  }

  onResult(result: Buffer, keep?: KeepResult): void {
    if (this.#end()) this.#stream.reply(this, FRAME.RESULT, result, keep);
  }

  onError(error: BridgeError): void {
    if (this.#end()) this.#stream.replyError(this, error);
  }

  /** Ends the call from this side: with `error` told to the gateway, without it silently. */
  abort(reason: CancelReason, error?: BridgeError): void {
    if (!this.#end()) return;
    if (error !== undefined) this.#stream.fail(this, error);
    this.cancelHandler(reason);
  }

  cancelHandler(reason: CancelReason): void {
    try {
      this.#handle?.cancel(reason);
    } catch (error) {
      this.#stream.log.error({ err: error }, 'The handler threw on cancel');
    }
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#stream.remove(this);
    return true;
  }
}
