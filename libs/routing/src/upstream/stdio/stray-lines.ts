import type { BridgeError } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import { TokenBucket } from '../token-bucket.js';

/** Lines and bytes of no meaning since the last message, after which a server is taken to be broken. */
const MAX_LINES = 10_000;
const MAX_BYTES = 1024 * 1024;
/** How far into a broken line we look for what it was meant to be. */
const HEAD_BYTES = 256;
const LOG_LINES_PER_SECOND = 10;

export type StrayVerdict =
  /** No message at all: a banner, a debug print. Skipped. */
  | { readonly kind: 'stray' }
  /** A broken reply to this request. */
  | { readonly kind: 'reply'; readonly id: number }
  /** A broken notification: nobody waits for it. Skipped. */
  | { readonly kind: 'notification' }
  /** A broken message that may have been anybody's reply. */
  | { readonly kind: 'unclear' }
  /** So much of it that nothing good can be expected any more. */
  | { readonly kind: 'flood' };

/**
 * Judges lines on a server's stdout that are no valid messages. Many servers print banners there, against the
 * specification; what was not meant as JSON-RPC is skipped, up to a bound. A broken message fails the request
 * that it answers, or, if it does not say which, all in flight: one of them would wait in vain.
 */
export class StrayLines {
  readonly #log: Logger;
  readonly #logBudget: TokenBucket;
  #lines = 0;
  #bytes = 0;

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#logBudget = new TokenBucket(LOG_LINES_PER_SECOND, now);
  }

  /** A valid message arrived. */
  reset(): void {
    this.#lines = 0;
    this.#bytes = 0;
  }

  judge(line: Buffer, error: BridgeError): StrayVerdict {
    this.#lines += 1;
    this.#bytes += line.length;
    const head = line.toString('latin1', 0, HEAD_BYTES);
    if (this.#logBudget.take(1)) {
      this.#log.warn(
        { line: head, problem: error.message },
        'the server wrote a line that is no message to stdout',
      );
    }
    if (this.#lines > MAX_LINES || this.#bytes > MAX_BYTES) return { kind: 'flood' };
    if (!/^\s*[[{]/.test(head) || !head.includes('"jsonrpc"')) return { kind: 'stray' };
    const id = /"id"\s*:\s*(\d{1,15})\s*[,}]/.exec(head)?.[1];
    if (/"method"\s*:/.test(head)) return { kind: 'notification' };
    return id === undefined ? { kind: 'unclear' } : { kind: 'reply', id: Number(id) };
  }
}
