import { BridgeError } from '@mcp-bridge/protocol';
import { hashText } from '@mcp-bridge/link';
import type { HttpServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import { buildConnector } from 'undici';
import type { UpstreamUrlStatus } from '../channel.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { guardedLookup, urlRefusal } from './address-guard.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { BreakerState } from './circuit-breaker.js';
import { ConnectionPool } from './connection-pool.js';
import { describeFailure } from './exchange-failure.js';
import { HealthProber } from './health-prober.js';
import { HttpExchange } from './http-exchange.js';
import type { ExchangeEnd, ExchangeKeeper, ExchangeListener } from './http-exchange.js';
import { SilenceWatch } from './silence-watch.js';
import { probeUrl } from './url-probe.js';

/** Names, in lower case, and values in turn: the form that undici takes without looking for keys. */
export type Headers = readonly string[];

/**
 * What a POST is: a `call` waits for a connection when all are busy, the others never do. A `stream` stays open,
 * so it cannot tell in time whether the URL works again; a `message` expects no reply.
 */
export type PostKind = 'call' | 'handshake' | 'stream' | 'message';

export interface HttpEndpointOptions {
  readonly server: string;
  readonly config: HttpServerConfig;
  readonly url: string;
  /** Position in `servers.<name>.url`: names the URL where the URL itself must not appear. */
  readonly index: number;
  /** How often to probe it without cause; 0 for never. */
  readonly probeIntervalMs: number;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  readonly now: () => number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/**
 * After this much silence the kernel asks a peer for a sign of life, ten times, a second apart (libuv sets these):
 * streams whose peer vanished without a word end after 25 s.
 */
const TCP_KEEP_ALIVE_MS = 15_000;
/** However long a server offers to keep an idle connection, what stands between may drop it without a word. */
const MAX_IDLE_CONNECTION_MS = 15_000;
const MAX_URI_LENGTH = 8_192;
const ANSWER = 'application/json, text/event-stream';

/** Headers that the transport itself decides; configuration cannot set them. */
const OWN_HEADERS =
  /^(?:accept|accept-encoding|connection|content-length|content-type|host|keep-alive|last-event-id|te|trailer|transfer-encoding|upgrade|expect|mcp-.*)$/;

/**
 * One MCP endpoint of a configured server: its connections, its headers, where it may lead, and whether it is to be
 * called at all.
 */
export class HttpEndpoint {
  readonly server: string;
  readonly index: number;
  readonly hash: number;
  readonly maxMessageBytes: number;
  readonly #connections: ConnectionPool;
  readonly #breaker: CircuitBreaker;
  readonly #prober: HealthProber;
  readonly #silence: SilenceWatch;
  readonly #doubts: boolean;
  readonly #url: URL;
  readonly #path: string;
  /** Those of the configuration. */
  readonly #headers: Headers;
  readonly #postHeaders: Headers;
  readonly #refusal: string | undefined;
  readonly #posts: ExchangeKeeper;
  readonly #others: ExchangeKeeper;
  /** The call that tries out whether the URL works again. */
  #trial: HttpExchange | undefined;
  #lastFailure = '';
  #inFlight = 0;

  constructor(options: HttpEndpointOptions) {
    const { server, config, index, log, meters, now } = options;
    this.server = server;
    this.index = index;
    this.hash = hashText(options.url);
    this.maxMessageBytes = config.maxMessageBytes;
    const url = new URL(options.url);
    this.#url = url;
    this.#path = url.pathname + url.search;
    this.#refusal = urlRefusal(url, config.allowPrivateNetwork);
    this.#headers = configuredHeaders(config.headers);
    this.#postHeaders = ['accept', ANSWER, 'content-type', 'application/json', ...this.#headers];
    const connect = buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      lookup: guardedLookup(config.allowPrivateNetwork),
    });
    this.#connections = new ConnectionPool(url.origin, config.connections, {
      // Deadlines are the caller's; streams have none.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveMaxTimeout: MAX_IDLE_CONNECTION_MS,
      connect,
    });
    this.#breaker = new CircuitBreaker({
      failures: config.breaker.failures,
      openMs: config.breaker.openFor,
      now,
      onChange: (state) => {
        meters.breaker(state);
        if (state === 'open') log.warn({ url: index, why: this.#lastFailure }, 'URL taken out');
        else log.info({ url: index }, 'URL is back');
      },
    });
    const { healthCheck } = config;
    this.#prober = new HealthProber({
      probe: async () => {
        const alive = this.#refusal === undefined && (await probeUrl(this, url, healthCheck, connect));
        meters.probed(alive ? 'alive' : 'dead');
        if (!alive) this.#lastFailure = 'does not answer health checks';
        return alive;
      },
      intervalMs: options.probeIntervalMs,
      downPauseMs: healthCheck.timeout,
      failures: healthCheck.failures,
      onDown: () => this.#breaker.probesFailed(),
      onUp: () => this.#breaker.probeSucceeded(),
      now,
    });
    this.#doubts = healthCheck.silence > 0;
    this.#silence = new SilenceWatch(healthCheck.silence, this.#connections, () => this.doubt());
    this.#posts = this.#keeper((exchange, end) => this.#judge(exchange, end));
    this.#others = this.#keeper(() => undefined);
  }

  get state(): BreakerState {
    return this.#breaker.state;
  }

  /** Whether a call may be sent now. */
  get admits(): boolean {
    return this.#refusal === undefined && this.#breaker.admits;
  }

  /** Whether it works, as far as is known. */
  get works(): boolean {
    return this.#refusal === undefined && this.#breaker.state === 'closed';
  }

  /** Milliseconds until another attempt is worth while. */
  get waitMs(): number {
    return this.#refusal === undefined ? this.#breaker.waitMs : Infinity;
  }

  /** Exchanges and streams under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get status(): UpstreamUrlStatus {
    const { index, inFlight, state } = this;
    const reason = this.#refusal ?? (state === 'closed' ? undefined : this.#lastFailure);
    const why = reason === undefined ? {} : { reason };
    return { index, origin: this.#url.origin, state, inFlight, openings: this.#breaker.openings, ...why };
  }

  /** Why nothing is to be sent now; `undefined` when it may be. */
  refusal(): BridgeError | undefined {
    if (this.#refusal !== undefined) return this.#forbidden(this.#refusal);
    if (this.#breaker.admits) return undefined;
    const waitMs = Math.ceil(this.#breaker.waitMs);
    const message = `Server "${this.server}" is not called for now: it ${this.#lastFailure}; next attempt in ${waitMs} ms`;
    return new BridgeError('UPSTREAM_UNAVAILABLE', message, { data: `{"retryAfterMs":${waitMs}}` });
  }

  #forbidden(reason: string): BridgeError {
    const advice = `use https, or set servers.${this.server}.allowPrivateNetwork: true`;
    return new BridgeError(
      'UPSTREAM_UNAVAILABLE',
      `Server "${this.server}" is refused: ${reason}; ${advice}`,
    );
  }

  /** Something that should have come did not: finds out whether the URL still lives. */
  doubt(): void {
    if (this.#doubts) this.#prober.doubt();
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
   * Sends one message. Whether it should be sent at all, `refusal` tells.
   * @param path - from `pathOf`; the endpoint's own unless told
   */
  post(
    body: Buffer,
    headers: Headers,
    listener: ExchangeListener,
    kind: PostKind = 'call',
    path = this.#path,
  ): HttpExchange {
    const all = [...headers, ...this.#postHeaders];
    const exchange = new HttpExchange(this.maxMessageBytes, listener, this.#posts);
    if ((kind === 'call' || kind === 'handshake') && this.#breaker.enter()) this.#trial = exchange;
    this.#start({ path, method: 'POST', headers: all, body }, exchange, kind !== 'call');
    if (kind === 'call') this.#silence.watch();
    return exchange;
  }

  get(
    headers: Headers,
    listener: ExchangeListener,
    path = this.#path,
    accept = 'text/event-stream',
  ): HttpExchange {
    const all = ['accept', accept, ...headers, ...this.#headers];
    const exchange = new HttpExchange(this.maxMessageBytes, listener, this.#others);
    return this.#start({ path, method: 'GET', headers: all, body: null }, exchange, true);
  }

  delete(headers: Headers, listener: ExchangeListener): HttpExchange {
    const all = ['accept', ANSWER, ...headers, ...this.#headers];
    const exchange = new HttpExchange(this.maxMessageBytes, listener, this.#others);
    return this.#start({ path: this.#path, method: 'DELETE', headers: all, body: null }, exchange, true);
  }

  /** Sends a request of a health check: what becomes of it concerns no call. */
  probe(body: Buffer, headers: Headers, listener: ExchangeListener): HttpExchange {
    const all = [...headers, ...this.#postHeaders];
    const exchange = new HttpExchange(this.maxMessageBytes, listener, this.#others);
    return this.#start({ path: this.#path, method: 'POST', headers: all, body }, exchange, true);
  }

  async close(): Promise<void> {
    this.#prober.close();
    this.#silence.close();
    await this.#connections.close();
  }

  #start(
    request: { path: string; method: 'POST' | 'GET' | 'DELETE'; headers: string[]; body: Buffer | null },
    exchange: HttpExchange,
    urgent: boolean,
  ): HttpExchange {
    this.#inFlight += 1;
    if (this.#refusal === undefined) this.#connections.dispatch(request, exchange, urgent);
    else exchange.fail(this.#forbidden(this.#refusal));
    return exchange;
  }

  #keeper(judge: ExchangeKeeper['onSettled']): ExchangeKeeper {
    return {
      onSettled: (exchange, end) => {
        this.#inFlight -= 1;
        this.#connections.leave(exchange, end !== undefined && end.failure === undefined);
        judge(exchange, end);
      },
      onWaiting: (exchange) => this.#connections.leave(exchange, false),
      onSpoken: (exchange) => {
        if (exchange === this.#trial) this.#settleTrial(true);
      },
    };
  }

  #judge(exchange: HttpExchange, end: ExchangeEnd | undefined): void {
    const works = end === undefined ? undefined : isWorking(end);
    if (works === false && end !== undefined) this.#lastFailure = describeFailure(end);
    if (exchange === this.#trial) this.#settleTrial(works);
    else if (works === true) this.#breaker.succeeded(false);
    else if (works === false) this.#breaker.failed(false);
  }

  #settleTrial(works: boolean | undefined): void {
    this.#trial = undefined;
    if (works === undefined) this.#breaker.abandoned();
    else if (works) this.#breaker.succeeded(true);
    else this.#breaker.failed(true);
  }
}

function configuredHeaders(headers: Readonly<Record<string, string>>): Headers {
  // A name in two spellings counts once, the last one.
  const lowered = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return [...lowered].filter(([name]) => !OWN_HEADERS.test(name)).flat();
}

/**
 * What the end of an exchange says about its URL; `undefined` for nothing. A 500 with a JSON body is most likely one
 * tool's failure, told by a server that works.
 */
function isWorking(end: ExchangeEnd): boolean | undefined {
  if (end.failure !== undefined) return end.failure.kind === 'connection' ? false : undefined;
  if (end.status < 500) return true;
  const isReply = end.isJson && end.body.length > 0 && (end.status === 500 || end.status === 501);
  return isReply ? undefined : false;
}
