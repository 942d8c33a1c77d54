import { BridgeError } from '@mcp-bridge/protocol';
import type { HttpServerConfig } from '@mcp-bridge/service';
import { buildConnector } from 'undici';
import { guardedLookup, urlRefusal } from './address-guard.js';
import { ConnectionPool } from './connection-pool.js';
import { HttpExchange } from './http-exchange.js';
import type { ExchangeEnd, ExchangeKeeper, ExchangeListener } from './http-exchange.js';

export type Headers = Record<string, string>;

const CONNECT_TIMEOUT_MS = 10_000;
/**
 * After this much silence the kernel asks a peer for a sign of life, ten times, a second apart (libuv sets these):
 * streams whose peer vanished without a word end after 25 s.
 */
const TCP_KEEP_ALIVE_MS = 15_000;
/** However long a server offers to keep an idle connection, what stands between may drop it without a word. */
const MAX_IDLE_CONNECTION_MS = 15_000;
const MAX_URI_LENGTH = 8_192;

/** Headers that the transport itself decides; configuration cannot set them. */
const OWN_HEADERS =
  /^(?:accept|accept-encoding|connection|content-length|content-type|host|keep-alive|last-event-id|te|trailer|transfer-encoding|upgrade|expect|mcp-.*)$/;

/** The MCP endpoint of one configured server: its connections, its headers, and where it may lead. */
export class HttpEndpoint implements ExchangeKeeper {
  readonly server: string;
  readonly maxMessageBytes: number;
  readonly #connections: ConnectionPool;
  readonly #url: URL;
  readonly #path: string;
  readonly #headers: Headers;
  readonly #refusal: string | undefined;

  constructor(server: string, config: HttpServerConfig) {
    this.server = server;
    this.maxMessageBytes = config.maxMessageBytes;
    const url = new URL(config.url);
    this.#url = url;
    this.#path = url.pathname + url.search;
    this.#refusal = urlRefusal(url, config.allowPrivateNetwork);
    this.#headers = { accept: 'application/json, text/event-stream' };
    for (const [name, value] of Object.entries(config.headers)) {
      const lower = name.toLowerCase();
      if (!OWN_HEADERS.test(lower)) this.#headers[lower] = value;
    }
    this.#connections = new ConnectionPool(url.origin, config.connections, {
      // Deadlines are the caller's; streams have none.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveMaxTimeout: MAX_IDLE_CONNECTION_MS,
      connect: buildConnector({
        timeout: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
        lookup: guardedLookup(config.allowPrivateNetwork),
      }),
    });
  }

  /** @throws {BridgeError} UPSTREAM_UNAVAILABLE when the configured URL must not be connected to */
  check(): void {
    if (this.#refusal === undefined) return;
    const advice = `use https, or set servers.${this.server}.allowPrivateNetwork: true`;
    throw new BridgeError(
      'UPSTREAM_UNAVAILABLE',
      `Server "${this.server}" is refused: ${this.#refusal}; ${advice}`,
    );
  }

  /**
   * The path that a URI which the server named leads to; `undefined` when it is none, or at another origin: what
   * is sent carries the configured credential, and must reach nobody else.
   */
  pathOf(uri: string): string | undefined {
    if (uri.length > MAX_URI_LENGTH || !URL.canParse(uri, this.#url.href)) return undefined;
    const url = new URL(uri, this.#url);
    return url.origin === this.#url.origin ? url.pathname + url.search : undefined;
  }

  /**
   * Sends one message. `urgent` ones never wait for a connection.
   * @param path - from `pathOf`; the endpoint's own unless told
   */
  post(
    body: Buffer,
    headers: Headers,
    listener: ExchangeListener,
    urgent = false,
    path = this.#path,
  ): HttpExchange {
    const all = { ...headers, ...this.#headers, 'content-type': 'application/json' };
    return this.#dispatch('POST', path, all, body, listener, urgent);
  }

  get(headers: Headers, listener: ExchangeListener): HttpExchange {
    const all = { ...headers, ...this.#headers, accept: 'text/event-stream' };
    return this.#dispatch('GET', this.#path, all, null, listener, true);
  }

  delete(headers: Headers, listener: ExchangeListener): HttpExchange {
    const all = { ...headers, ...this.#headers };
    return this.#dispatch('DELETE', this.#path, all, null, listener, true);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  onSettled(exchange: HttpExchange, end: ExchangeEnd | undefined): void {
    this.#connections.leave(exchange, end !== undefined && end.failure === undefined);
  }

  onWaiting(exchange: HttpExchange): void {
    this.#connections.leave(exchange, false);
  }

  #dispatch(
    method: 'POST' | 'GET' | 'DELETE',
    path: string,
    headers: Headers,
    body: Buffer | null,
    listener: ExchangeListener,
    urgent: boolean,
  ): HttpExchange {
    const exchange = new HttpExchange(this.maxMessageBytes, listener, this);
    this.#connections.dispatch({ path, method, headers, body }, exchange, urgent);
    return exchange;
  }
}

/** Waits for the end of an exchange whose messages do not matter. */
export function exchangeEnd(start: (listener: ExchangeListener) => HttpExchange): {
  readonly ended: Promise<ExchangeEnd>;
  readonly exchange: HttpExchange;
} {
  let onEnd: (end: ExchangeEnd) => void = () => undefined;
  const ended = new Promise<ExchangeEnd>((resolve) => (onEnd = resolve));
  const exchange = start({ onMessage: () => undefined, onEnd });
  return { ended, exchange };
}

/** How an exchange ended whose messages do not matter; `undefined` when the time was over before. */
export async function exchangeEndWithin(
  timeoutMs: number,
  start: Parameters<typeof exchangeEnd>[0],
): Promise<ExchangeEnd | undefined> {
  const { ended, exchange } = exchangeEnd(start);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      exchange.abort();
      resolve(undefined);
    }, timeoutMs);
  });
  const end = await Promise.race([ended, late]);
  clearTimeout(timer);
  return end;
}
