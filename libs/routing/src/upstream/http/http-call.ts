import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import type { Conversation, Pending } from '../conversation.js';
import { exchangeFailure } from './exchange-failure.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { ExchangeEnd, ExchangeListener, HttpExchange } from './http-exchange.js';
import { scanBody } from './http-handshake.js';

/** How long a stream may stay open after the reply that should have ended it. */
const LINGER_MS = 2_000;
const DEFAULT_RETRY_MS = 1_000;
/** A server that wants to be polled without pause gets this much of it. */
const MIN_RETRY_MS = 100;
/** Attempts to resume in a row that led to no stream. */
const MAX_FAILED_RESUMES = 5;

export interface HttpCallOptions {
  readonly endpoint: HttpEndpoint;
  readonly conversation: Conversation;
  readonly pending: Pending;
  readonly body: Buffer;
  readonly log: Logger;
  /** Long streams must not use up the connections for calls. */
  readonly urgent: boolean;
  /** Made anew for every attempt: the session may have changed. */
  readonly headers: () => Headers;
  /** Whether a broken stream can be resumed by GET with `Last-Event-ID` (legacy). */
  readonly resumable: boolean;
  /** Sees a 4xx or 5xx response first; true when it takes care of the call (by `send` again, or `reject`). */
  readonly intercept: (end: ExchangeEnd) => boolean;
  readonly onDone: () => void;
}

/** One request on its way through one or more HTTP exchanges. */
export class HttpCall implements ExchangeListener {
  readonly #options: HttpCallOptions;
  #exchange: HttpExchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastEventId = '';
  #retryMs = DEFAULT_RETRY_MS;
  #failedResumes = 0;
  #done = false;

  constructor(options: HttpCallOptions) {
    this.#options = options;
  }

  get pending(): Pending {
    return this.#options.pending;
  }

  /** Whether any byte of it may have reached the server. */
  get sent(): boolean {
    return this.#lastEventId !== '' || this.#exchange?.sent === true;
  }

  /** Posts the request, for the first time or again in a new session. */
  send(): void {
    if (this.#done) return;
    const { endpoint, body, headers, urgent } = this.#options;
    this.#exchange = endpoint.post(body, headers(), this, urgent);
  }

  /** Nothing will come before a client has answered: others may work meanwhile. */
  waitForClient(): void {
    this.#exchange?.waitForClient();
  }

  /** Closes its stream; the sink hears nothing. */
  abort(): void {
    this.#exchange?.abort();
    this.#finish();
  }

  /** Treats a response that was intercepted like any other, after all. */
  reject(end: ExchangeEnd): void {
    if (end.body.length > 0) this.#receive(end.body, end);
    if (this.#options.conversation.isInFlight(this.pending)) {
      this.fail(exchangeFailure(this.#options.endpoint.server, end));
    } else this.#finish();
  }

  fail(error: BridgeError): void {
    this.#exchange?.abort();
    this.#finish();
    this.#options.conversation.fail(this.pending, error);
  }

  onMessage(message: Buffer): void {
    this.#receive(message);
    if (this.#options.conversation.isInFlight(this.pending) || this.#done) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.abort(), LINGER_MS);
    this.#timer.unref();
  }

  onEnd(end: ExchangeEnd): void {
    const { conversation, intercept, endpoint } = this.#options;
    const isResumed = this.#lastEventId !== '';
    if (end.failure === undefined) {
      if (end.status >= 400 && !isResumed && intercept(end)) return;
      if (end.body.length > 0) this.#receive(end.body, end);
    }
    if (!conversation.isInFlight(this.pending)) return this.#finish();
    if (this.#resume(end, isResumed)) return;
    const failure = exchangeFailure(endpoint.server, end);
    // Once its stream had begun the request was being worked on, whatever came of asking for the rest.
    this.fail(isResumed ? outcomeUnknown(failure) : failure);
  }

  /** Delivers an event, or a body. Error statuses often come with bodies that are no messages. */
  #receive(bytes: Buffer, end?: ExchangeEnd): void {
    const { conversation, endpoint, log } = this.#options;
    let envelopes: Envelope[];
    try {
      envelopes = scanBody(bytes, endpoint.maxMessageBytes);
    } catch (error) {
      if (end !== undefined && (end.status >= 300 || !end.isJson)) return;
      const message = `Server "${endpoint.server}" sent a broken message: ${BridgeError.from(error).message}`;
      this.fail(new BridgeError('UPSTREAM_PROTOCOL', message));
      return;
    }
    for (const envelope of envelopes) {
      try {
        conversation.receive(envelope, this.pending);
      } catch (error) {
        log.error({ err: error }, 'a message of the server could not be handled');
      }
    }
  }

  /** 2025-11-25 basic/transports, "Resumability and Redelivery" (SEP-1699): wait, then GET from the last event. */
  #resume(end: ExchangeEnd, isResumed: boolean): boolean {
    if (end.lastEventId !== '') this.#lastEventId = end.lastEventId;
    if (end.retryMs !== undefined) this.#retryMs = end.retryMs;
    const isBroken = end.isStream || end.status === 0 || (isResumed && end.status >= 500);
    if (!this.#options.resumable || this.#lastEventId === '' || !isBroken) return false;
    if (end.failure !== undefined && end.failure.kind !== 'connection') return false;
    this.#failedResumes = end.isStream ? 0 : this.#failedResumes + 1;
    if (this.#failedResumes > MAX_FAILED_RESUMES || !isHeaderSafe(this.#lastEventId)) return false;
    if (end.isStream && end.failure === undefined) this.pending.sink.onPolling?.(this.#retryMs);
    this.#timer = setTimeout(
      () => {
        const { endpoint, headers } = this.#options;
        this.#exchange = endpoint.get({ ...headers(), 'last-event-id': this.#lastEventId }, this);
      },
      Math.max(MIN_RETRY_MS, this.#retryMs),
    );
    return true;
  }

  #finish(): void {
    clearTimeout(this.#timer);
    if (this.#done) return;
    this.#done = true;
    this.#options.onDone();
  }
}

function outcomeUnknown(failure: BridgeError): BridgeError {
  if (failure.code === 'OUTCOME_UNKNOWN') return failure;
  const message = `${failure.message}; the stream of the call was lost, it may have run`;
  return new BridgeError('OUTCOME_UNKNOWN', message, { cause: failure });
}

/** Event ids come from the server and go into a header of ours. */
function isHeaderSafe(text: string): boolean {
  return /^[\t\x20-\x7e]{1,2048}$/.test(text);
}
