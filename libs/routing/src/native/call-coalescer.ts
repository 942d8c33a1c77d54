import { createBatchPolicy } from '@mcp-bridge/batching';
import type { Batch, BatchPolicy } from '@mcp-bridge/batching';
import type { HistogramChild } from '@mcp-bridge/metrics';
import type { BatchOptions } from '@mcp-bridge/tools';
import type { CallHolder, NativeCall } from './native-call.js';

/** What is measured of the batches of one tool. */
export interface BatchMeter {
  /** Calls of each batch. */
  readonly size: HistogramChild;
  /** Seconds that each call waited. */
  readonly wait: HistogramChild;
}

/** Gathers the calls of one tool with `handleBatch`: the batch policy with a clock and a timer. */
export class CallCoalescer implements CallHolder {
  readonly #acrossTenants: boolean;
  readonly #policy: BatchPolicy<NativeCall>;
  readonly #send: (calls: readonly NativeCall[], done: () => void) => void;
  readonly #meter: BatchMeter | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  /** @param send - runs calls together; calls `done` once, when they are through */
  constructor(
    options: Required<BatchOptions>,
    send: (calls: readonly NativeCall[], done: () => void) => void,
    meter?: BatchMeter,
  ) {
    this.#meter = meter;
    this.#acrossTenants = options.acrossTenants;
    this.#policy = createBatchPolicy(options);
    this.#send = send;
  }

  add(call: NativeCall): void {
    call.holder = this;
    call.arrivedAt = performance.now();
    this.#go(this.#policy.add(this.#groupOf(call), call, call.arrivedAt));
    this.#setTimer();
  }

  withdraw(call: NativeCall): void {
    this.#policy.remove(this.#groupOf(call), call);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #go(batch: Batch<NativeCall> | undefined): void {
    if (batch === undefined) return;
    if (this.#meter !== undefined) measure(this.#meter, batch.items);
    this.#send(batch.items, () => this.#go(this.#policy.done(batch.group)));
  }

  #setTimer(): void {
    const next = this.#policy.nextDueAt();
    if (next === undefined || next >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    // Timers may fire a fraction of a millisecond early.
    this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(next - performance.now()) + 1);
    this.#timer.unref();
  }

  #onTimer(): void {
    this.#timerAt = Infinity;
    for (const batch of this.#policy.due(performance.now())) this.#go(batch);
    this.#setTimer();
  }

  #groupOf(call: NativeCall): string {
    return this.#acrossTenants ? '' : call.tenant;
  }
}

function measure({ size, wait }: BatchMeter, calls: readonly NativeCall[]): void {
  size.observe(calls.length);
  const now = performance.now();
  for (const { arrivedAt } of calls) wait.observe((now - arrivedAt) / 1000);
}
