import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { ExchangeEnd, ExchangeListener, HttpExchange } from './http-exchange.js';

const DEFAULT_RETRY_MS = 1_000;
/** A server that wants to be asked again without pause gets this much of it. */
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 30_000;

export interface GeneralStreamOptions {
  readonly endpoint: HttpEndpoint;
  readonly headers: () => Headers;
  readonly onMessage: (message: Buffer) => void;
  /** The server does not know the session any more. */
  readonly onSessionLost: () => void;
}

/**
 * The GET stream of a legacy session, for what belongs to no request. Reopened from its last event when it ends,
 * after the time that the server asked for; given up when the server does not offer one (405 and other refusals).
 */
export class GeneralStream implements ExchangeListener {
  readonly #options: GeneralStreamOptions;
  #exchange: HttpExchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastEventId = '';
  #retryMs: number | undefined;
  #failures = 0;
  #opened = false;
  #closed = false;

  constructor(options: GeneralStreamOptions) {
    this.#options = options;
  }

  open(): void {
    if (this.#closed) return;
    const { endpoint, headers } = this.#options;
    const resume = this.#lastEventId === '' ? [] : ['last-event-id', this.#lastEventId];
    this.#exchange = endpoint.get([...headers(), ...resume], this);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#exchange?.abort();
  }

  onHead(status: number): void {
    if (status !== 200) return;
    this.#opened = true;
    this.#failures = 0;
  }

  onMessage(message: Buffer): void {
    this.#options.onMessage(message);
  }

  onEnd(end: ExchangeEnd): void {
    if (this.#closed) return;
    if (/^[\t\x20-\x7e]{1,2048}$/.test(end.lastEventId)) this.#lastEventId = end.lastEventId;
    this.#retryMs = end.retryMs ?? this.#retryMs;
    if (end.status === 404 && this.#opened) return this.#options.onSessionLost();
    const mayReturn = end.isStream || end.failure?.kind === 'connection' || end.status >= 500;
    if (!mayReturn) return;
    const wait = Math.max(MIN_RETRY_MS, this.#retryMs ?? DEFAULT_RETRY_MS);
    this.#timer = setTimeout(() => this.open(), Math.min(MAX_RETRY_MS, wait * 2 ** this.#failures));
    this.#timer.unref();
    if (!end.isStream) this.#failures = Math.min(this.#failures + 1, 5);
  }
}
