import type { MessagePort } from 'node:worker_threads';
import type { CallInput } from './run-calls.js';

/** What a worker is given to run. */
export interface WorkerTask {
  readonly url: string;
  /** Of the module's text when the tool was loaded. */
  readonly digest: string;
  /** That text, for a worker that found another one in the file. */
  readonly source?: string;
  readonly loadTimeoutMs: number;
  readonly calls: readonly CallInput[];
  /** Speaks `FromWorker`, hears `ToWorker`. One a task, so that messages keep their order and never cross. */
  readonly port: MessagePort;
}

export type FromWorker =
  | { readonly kind: 'tell'; readonly index: number; readonly method: string; readonly params: string }
  /** Whole replies, transferred. */
  | { readonly kind: 'replies'; readonly replies: readonly Uint8Array[] }
  /** The file does not hold what the tool was loaded from; nothing ran. */
  | { readonly kind: 'changed' }
  /** The module does not load here, though it did on the event loop. */
  | { readonly kind: 'load-failed'; readonly reason: string };

/** Nobody waits for this call any more. */
export interface ToWorker {
  readonly abort: number;
}
