import type { CallHandle, CallSink } from './link.js';
import type { LinkLog } from './link-log.js';

/** Gives kept results to their sinks: all of one turn together, after `Link.call` has returned. */
export class KeptCalls {
  readonly #log: LinkLog;
  #due: KeptCall[] = [];

  constructor(log: LinkLog) {
    this.#log = log;
  }

  answer(sink: CallSink, result: Buffer): CallHandle {
    const call = new KeptCall(sink, result);
    if (this.#due.push(call) === 1) queueMicrotask(this.#flush);
    return call;
  }

  readonly #flush = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const call of due) {
      try {
        call.deliver();
      } catch (error) {
        this.#log.error({ err: error }, 'The receiver of a call threw');
      }
    }
  };
}

class KeptCall implements CallHandle {
  readonly #sink: CallSink;
  readonly #result: Buffer;
  #cancelled = false;

  constructor(sink: CallSink, result: Buffer) {
    this.#sink = sink;
    this.#result = result;
  }

  deliver(): void {
    if (!this.#cancelled) this.#sink.onResult(this.#result);
  }

  cancel(): void {
    this.#cancelled = true;
  }
}
