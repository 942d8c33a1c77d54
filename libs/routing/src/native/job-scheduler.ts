import { BridgeError } from '@mcp-bridge/protocol';
import { FairQueue } from './fair-queue.js';
import type { NativeJob } from './native-job.js';

export interface JobSchedulerOptions {
  /** Jobs at once, over all tools. */
  readonly slots: number;
  readonly maxQueue: number;
  /** Runs a job and calls `done` once, when its slot is free again. */
  readonly start: (job: NativeJob, done: () => void) => void;
}

/** What a refused caller should wait before it tries again. */
const RETRY_AFTER_MS = 250;

/** Lets jobs run while there is a slot, and their tool has one of its own; the others wait in fair order. */
export class JobScheduler {
  readonly #options: JobSchedulerOptions;
  readonly #queue: FairQueue<NativeJob>;
  readonly #perTool = new Map<string, number>();
  readonly #mayRun: (tool: string) => boolean;
  #running = 0;

  /** @param limitOf - most jobs of a tool at once */
  constructor(options: JobSchedulerOptions, limitOf: (tool: string) => number) {
    this.#options = options;
    this.#queue = new FairQueue(options.maxQueue);
    this.#mayRun = (tool) => (this.#perTool.get(tool) ?? 0) < limitOf(tool);
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  submit(job: NativeJob): void {
    if (this.#running < this.#options.slots && this.#mayRun(job.tool)) {
      this.#start(job);
      return;
    }
    job.onUnwanted = () => {
      if (this.#queue.remove(job)) job.done();
    };
    const refused = this.#queue.push(job);
    if (refused === undefined) return;
    refused.fail(overloaded());
    refused.done();
  }

  /** Fails what waits. */
  close(error: BridgeError): void {
    for (const job of this.#queue.drain()) {
      job.fail(error);
      job.done();
    }
  }

  #start(job: NativeJob): void {
    if (!job.prepare()) {
      job.done();
      return;
    }
    this.#running += 1;
    this.#perTool.set(job.tool, (this.#perTool.get(job.tool) ?? 0) + 1);
    this.#options.start(job, () => {
      this.#running -= 1;
      this.#release(job.tool);
      job.done();
      this.#next();
    });
  }

  #release(tool: string): void {
    // Entries stay: their number is that of the tools, and a table that shrinks and grows again with every call costs.
    this.#perTool.set(tool, (this.#perTool.get(tool) ?? 1) - 1);
  }

  #next(): void {
    while (this.#running < this.#options.slots) {
      const job = this.#queue.shift(this.#mayRun);
      if (job === undefined) return;
      this.#start(job);
    }
  }
}

function overloaded(): BridgeError {
  const message = 'Too many calls wait for the native tools; try again later';
  return new BridgeError('OVERLOADED', message, { data: `{"retryAfterMs":${RETRY_AFTER_MS}}` });
}
