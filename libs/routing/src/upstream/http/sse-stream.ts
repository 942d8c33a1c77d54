import type { HttpEndpoint } from './http-endpoint.js';
import type { ExchangeEnd, ExchangeListener, HttpExchange } from './http-exchange.js';

/** How a stream began. */
export type SseStart =
  /** The path to POST to. */
  | { readonly path: string }
  /** It was no event stream, or ended before it named its endpoint. */
  | { readonly end: ExchangeEnd }
  /** It is an event stream, but none of this transport. */
  | { readonly problem: string };

export interface SseStreamOptions {
  readonly endpoint: HttpEndpoint;
  readonly onMessage: (message: Buffer) => void;
  /** The stream ended after it had begun; not after `close`. */
  readonly onEnd: (end: ExchangeEnd) => void;
}

/**
 * The event stream of a 2024-11-05 server: an `endpoint` event with the URI for our messages, then a `message`
 * event for each of the server's.
 */
export class SseStream implements ExchangeListener {
  readonly #options: SseStreamOptions;
  #exchange: HttpExchange | undefined;
  #onStart: ((start: SseStart) => void) | undefined;

  constructor(options: SseStreamOptions) {
    this.#options = options;
  }

  /** Opens the stream. To be called once; what does not begin within the time is closed. */
  open(timeoutMs: number): Promise<SseStart> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#begun({ problem: `named no endpoint within ${timeoutMs} ms` });
      }, timeoutMs);
      this.#onStart = (start) => {
        clearTimeout(timer);
        resolve(start);
      };
      this.#exchange = this.#options.endpoint.get([], this);
    });
  }

  close(): void {
    this.#exchange?.abort();
  }

  onMessage(message: Buffer): void {
    this.#options.onMessage(message);
  }

  onOtherEvent(type: string, data: Buffer): void {
    if (type !== 'endpoint' || this.#onStart === undefined) return;
    const path = this.#options.endpoint.pathOf(data.toString('utf8'));
    this.#begun(
      path === undefined ? { problem: 'named an endpoint that is not at its own origin' } : { path },
    );
  }

  onEnd(end: ExchangeEnd): void {
    if (this.#onStart !== undefined) this.#begun({ end });
    else this.#options.onEnd(end);
  }

  #begun(start: SseStart): void {
    this.#onStart?.(start);
    this.#onStart = undefined;
    if (!('path' in start)) this.close();
  }
}
