import { BridgeError } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import type { Conversation } from './conversation.js';
import { TokenBucket } from './token-bucket.js';
import type { UpstreamMeters } from './upstream-meters.js';

/** Pieces and bytes of no meaning since the last message, after which a server is taken to be broken. */
const MAX_PIECES = 10_000;
const MAX_BYTES = 1024 * 1024;
/** How far into a broken message we look for what it was meant to be. */
const HEAD_BYTES = 256;
const LOG_LINES_PER_SECOND = 10;

type StrayVerdict =
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

export interface StrayMessagesOptions {
  readonly server: string;
  /** What carries the messages, for the log: `stdout`, `its event stream`. */
  readonly carrier: string;
  readonly conversation: Conversation;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  readonly now: () => number;
}

/**
 * Deals with what a server sends between its messages. Many servers print banners to stdout, against the
 * specification; what was not meant as JSON-RPC is skipped, up to a bound. A broken message fails the request
 * that it answers, or, if it does not say which, all in flight: one of them would wait in vain.
 */
export class StrayMessages {
  readonly #options: StrayMessagesOptions;
  readonly #logBudget: TokenBucket;
  #pieces = 0;
  #bytes = 0;

  constructor(options: StrayMessagesOptions) {
    this.#options = options;
    this.#logBudget = new TokenBucket(LOG_LINES_PER_SECOND, options.now);
  }

  /** A valid message arrived. */
  reset(): void {
    this.#pieces = 0;
    this.#bytes = 0;
  }

  /**
   * Takes a line or event that is no valid message.
   * @param error - what the scan said
   * @returns false when there was so much of it that the channel should be given up
   */
  take(bytes: Buffer, error: BridgeError): boolean {
    const { server, conversation, meters } = this.#options;
    const verdict = this.#judge(bytes, error);
    meters.dropped(verdict.kind === 'stray' ? 'stray_line' : 'malformed');
    const failure = new BridgeError(
      'UPSTREAM_PROTOCOL',
      `Server "${server}" sent a broken message: ${error.message}`,
    );
    if (verdict.kind === 'reply') {
      const pending = conversation.get(verdict.id);
      if (pending !== undefined) conversation.fail(pending, failure);
    } else if (verdict.kind === 'unclear') {
      for (const pending of conversation.all()) conversation.fail(pending, failure);
    }
    return verdict.kind !== 'flood';
  }

  #judge(bytes: Buffer, error: BridgeError): StrayVerdict {
    this.#pieces += 1;
    this.#bytes += bytes.length;
    const head = bytes.toString('latin1', 0, HEAD_BYTES);
    if (this.#logBudget.take(1)) {
      const { log, carrier } = this.#options;
      log.warn({ line: head, problem: error.message }, `the server wrote what is no message to ${carrier}`);
    }
    if (this.#pieces > MAX_PIECES || this.#bytes > MAX_BYTES) return { kind: 'flood' };
    if (!/^\s*[[{]/.test(head) || !head.includes('"jsonrpc"')) return { kind: 'stray' };
    const id = /"id"\s*:\s*(\d{1,15})\s*[,}]/.exec(head)?.[1];
    if (/"method"\s*:/.test(head)) return { kind: 'notification' };
    return id === undefined ? { kind: 'unclear' } : { kind: 'reply', id: Number(id) };
  }
}
