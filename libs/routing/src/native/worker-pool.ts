import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { messageOf } from './load-tool.js';
import type { NativeJob } from './native-job.js';
import type { FromWorker, ToWorker, WorkerTask } from './worker-messages.js';

export interface WorkerPoolOptions {
  readonly threads: number;
  /** Heap of one thread. */
  readonly memoryLimitBytes: number;
  /** From the end of a call until its thread is ended, if it still runs. */
  readonly cancelGraceMs: number;
  readonly loadTimeoutMs: number;
  readonly log: Logger;
}

const SPARE_THREADS = 1;
const MEBIBYTE = 1024 * 1024;
const BUILT = new URL('./tool.worker.js', import.meta.url);
const SOURCE = new URL('./tool.worker.ts', import.meta.url);

/** The threads in which native tools run. Whoever uses it bounds the jobs to `threads` at once. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #piscina: Piscina<WorkerTask, void>;
  #ready = 0;
  /** Threads whose job nobody waits for, in whose place the spare one serves already. */
  #replaced = 0;
  #closing = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    // Compiled or bundled, the worker lies beside this module; run from source there is only the .ts.
    const built = existsSync(BUILT);
    this.#piscina = new Piscina({
      filename: (built ? BUILT : SOURCE).href,
      // All of them warm, and one more: it takes the place of a lost one while that is started anew.
      minThreads: options.threads + SPARE_THREADS,
      maxThreads: options.threads + SPARE_THREADS,
      // With atomics a thread without a task is asleep, and so are the connections that its tools keep.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.max(16, Math.floor(options.memoryLimitBytes / MEBIBYTE)),
      },
      ...(built ? {} : { execArgv: sourceFlags() }),
    });
    this.#piscina.on('workerCreate', () => (this.#ready += 1));
    this.#piscina.on('workerDestroy', () => (this.#ready -= 1));
    // A thread that ends between two jobs harms nobody.
    this.#piscina.on('error', (error: unknown) => {
      options.log.warn({ err: error }, 'a worker thread ended between two calls');
    });
  }

  /** Threads that run or could, the spare one included. */
  get ready(): number {
    return this.#ready;
  }

  /** Runs a job; `done` follows when its thread is free, ended, or replaced by the spare one. */
  run(job: NativeJob, done: () => void): void {
    this.#run(job, done, undefined);
  }

  /** @param source - the tool's text, for a worker that would find another one in its file */
  #run(job: NativeJob, done: () => void, source: string | undefined): void {
    const { calls, served } = job;
    let changed = false;
    const { port1: near, port2: far } = new MessageChannel();
    const end = new AbortController();
    let grace: NodeJS.Timeout | undefined;
    let isFree = false;
    let isReplaced = false;
    const free = (): void => {
      if (isFree) return;
      isFree = true;
      done();
    };
    job.started({
      abort(index) {
        near.postMessage({ abort: index } satisfies ToWorker);
      },
      abandon: () => {
        grace ??= setTimeout(() => end.abort(), this.#options.cancelGraceMs);
        // A tool that bounds itself may count on never running beside itself.
        if (isFree || this.#replaced >= SPARE_THREADS || served.concurrency !== Infinity) return;
        isReplaced = true;
        this.#replaced += 1;
        free();
      },
    });
    const hear = (message: FromWorker): void => {
      switch (message.kind) {
        case 'tell':
          calls[message.index]?.tell(message.method, message.params);
          return;
        case 'replies':
          message.replies.forEach((reply, index) => calls[index]?.succeed(asBuffer(reply)));
          return;
        case 'changed':
          changed = true;
          return;
        case 'load-failed': {
          const text = `Tool ${job.tool} cannot run: in its worker ${message.reason}`;
          job.fail(new BridgeError('INTERNAL', text));
        }
      }
    };
    near.on('message', hear);
    // Copies: what is transferred is gone here, and the params may share memory with other messages.
    const inputs = calls.map(({ input }) => ({
      ...input,
      params: Uint8Array.prototype.slice.call(input.params),
    }));
    const { url, digest } = served;
    const { loadTimeoutMs } = this.#options;
    const kept = source === undefined ? {} : { source };
    const task = { url, digest, ...kept, loadTimeoutMs, calls: inputs, port: far };
    const transferList = [far, ...inputs.map(({ params }) => params.buffer as ArrayBuffer)];
    const settle = (error: unknown): void => {
      clearTimeout(grace);
      if (isReplaced) this.#replaced -= 1;
      // What the worker said last may still wait here.
      for (let last = receiveMessageOnPort(near); last !== undefined; last = receiveMessageOnPort(near)) {
        hear(last.message as FromWorker); // Only our worker has the other end.
      }
      near.close();
      if (changed && source === undefined && job.prepare()) {
        this.#run(job, done, served.source);
        return;
      }
      if (calls.some((call) => !call.ended)) job.fail(this.#lost(job.tool, error));
      free();
    };
    this.#piscina.run(task, { transferList, signal: end.signal }).then(() => settle(undefined), settle);
  }

  /** Ends the threads now; what runs fails. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#piscina.destroy();
  }

  #lost(tool: string, error: unknown): BridgeError {
    if (this.#closing) return new BridgeError('OUTCOME_UNKNOWN', 'The router stopped while the tool ran');
    const outOfMemory =
      error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const why = outOfMemory
      ? `it needed more memory than workers.memoryLimit allows`
      : messageOf(error ?? 'no answer');
    this.#options.log.warn({ tool, reason: why }, 'a worker thread ended in a call');
    const message = `The worker of tool ${tool} ended (${why}); the call may have had effects`;
    return new BridgeError('OUTCOME_UNKNOWN', message, { cause: error });
  }
}

/** Flags with which a thread runs the sources, whatever folder the process was started in. */
function sourceFlags(): string[] {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return ['--conditions=@mcp-bridge/source', '--import', loader];
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength); // Transferred, so never shared.
}
