import type { BridgeError } from '@mcp-bridge/protocol';
import type { Waiting } from './fair-queue.js';
import type { CallHolder, NativeCall } from './native-call.js';
import type { ServedTool } from './served-tool.js';

/** What runs a job lets it do meanwhile. */
export interface RunningJob {
  /** Tells one call's handler that nobody waits for it. */
  abort(index: number): void;
  /** Nobody waits for any call of the job: ends it by force where that is possible, after the grace. */
  abandon(): void;
}

/** Calls that run together: one, or a batch. */
export class NativeJob implements Waiting, CallHolder {
  readonly served: ServedTool;
  readonly tenant: string;
  readonly tool: string;
  calls: readonly NativeCall[];
  /** Set while the job waits in a queue: takes it out. */
  onUnwanted: (() => void) | undefined;
  readonly #onDone: (() => void) | undefined;
  #running: RunningJob | undefined;

  constructor(served: ServedTool, calls: readonly NativeCall[], onDone?: () => void) {
    this.served = served;
    this.tenant = calls[0]?.tenant ?? '';
    this.tool = served.tool.name;
    this.calls = calls;
    this.#onDone = onDone;
    for (const call of calls) call.holder = this;
  }

  withdraw(call: NativeCall): void {
    this.#running?.abort(this.calls.indexOf(call));
    if (this.calls.some((each) => !each.ended)) return;
    if (this.#running === undefined) this.onUnwanted?.();
    else this.#running.abandon();
  }

  /** Leaves out what was cancelled while it waited; false when nothing is left to run. */
  prepare(): boolean {
    this.onUnwanted = undefined;
    if (this.calls.some((call) => call.ended)) this.calls = this.calls.filter((call) => !call.ended);
    return this.calls.length > 0;
  }

  started(running: RunningJob): void {
    this.#running = running;
  }

  /** Fails the calls that have no answer yet. */
  fail(error: BridgeError): void {
    for (const call of this.calls) call.fail(error);
  }

  /** Nothing of this job runs or waits any more; call once. */
  done(): void {
    this.#running = undefined;
    this.#onDone?.();
  }
}
