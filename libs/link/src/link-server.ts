import { Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';
import type { CallHandler } from './link.js';
import { DEFAULT_LIMITS, type LinkLimits } from './link-limits.js';
import { type LinkLog, silentLog } from './link-log.js';
import { linkMethod } from './link-method.js';
import { RouterStream } from './router-stream.js';
import {
  type LinkServerCredential,
  checkServerCredential,
  isLoopback,
  serverCredentials,
  tokenInterceptor,
} from './server-credential.js';

export interface LinkServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly handler: CallHandler;
  /** Needed beyond loopback. */
  readonly credential?: LinkServerCredential;
  readonly log?: LinkLog;
  /** What gateways know this router by, so that a call can ask for it (`CallRequest.home`); default none. */
  readonly routerId?: string;
  /** Adds further services to the same server before it listens; they are behind the same credential. */
  readonly extend?: (server: Server) => void;
  /** More calls in flight on one link than this are refused with OVERLOADED; default 20 000. */
  readonly maxInFlightPerLink?: number;
  readonly limits?: Partial<LinkLimits>;
}

/** Disposing closes at once: calls in flight end with OUTCOME_UNKNOWN at their gateways. */
export interface LinkServer extends AsyncDisposable {
  readonly port: number;
  /** Gateways that are linked now. */
  readonly links: number;
  readonly inFlight: number;
  /**
   * Sends new calls elsewhere, ends streams without a limit with DRAINING, lets other calls end, then closes.
   * After `timeoutMs` the rest end with OUTCOME_UNKNOWN.
   */
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Opens the router's side of the link.
 *
 * @throws {BridgeError} CONFIG_INVALID beyond loopback without a credential; INTERNAL when the address is taken
 */
export async function startLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const credential = options.credential ?? {};
  checkServerCredential(options.host, credential);
  const log = options.log ?? silentLog;
  if (!isLoopback(options.host) && credential.tls === undefined) {
    log.warn({ host: options.host }, 'The link is not encrypted: use TLS unless this network is your own');
  }
  const server = new StartedLinkServer(options, log);
  await server.listen();
  return server;
}

/** What a message may hold besides one payload; batches of the link are far below. */
const ENVELOPE_BYTES = 1024 * 1024;

/** After a drain, how long the last frames have to leave. */
const CLOSE_MS = 500;

class StartedLinkServer implements LinkServer {
  port = 0;
  readonly #options: LinkServerOptions;
  readonly #log: LinkLog;
  readonly #server: Server;
  readonly #streams = new Set<RouterStream>();
  #accepting = true;
  #onStreamClosed: (() => void) | undefined = undefined;

  constructor(options: LinkServerOptions, log: LinkLog) {
    this.#options = options;
    this.#log = log;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const token = options.credential?.token;
    this.#server = new Server({
      'grpc.max_receive_message_length': limits.maxPayloadBytes + ENVELOPE_BYTES,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc-node.flow_control_window': limits.windowBytes,
      // In MB per session; batches of many calls share one, so the default of 10 would end it under load.
      'grpc-node.max_session_memory': 512,
      // Counters per call that nobody reads: the service that would show them is not served.
      'grpc.enable_channelz': 0,
      ...(token === undefined ? {} : { interceptors: [tokenInterceptor(token)] }),
    });
    this.#server.addService(
      { connect: linkMethod },
      { connect: (stream: ServerDuplexStream<Buffer, Buffer>) => this.#onStream(stream, limits) },
    );
    options.extend?.(this.#server);
  }

  get links(): number {
    return this.#streams.size;
  }

  get inFlight(): number {
    let inFlight = 0;
    for (const stream of this.#streams) inFlight += stream.inFlight;
    return inFlight;
  }

  async listen(): Promise<void> {
    const { host, port, credential } = this.#options;
    const address = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, serverCredentials(credential ?? {}), (error, bound) => {
        if (error === null) resolve(bound);
        else {
          const message = `router: ${address} cannot be bound; is it in use, or not an address of this host?`;
          reject(new BridgeError('INTERNAL', message, { cause: error }));
        }
      });
    });
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    const until = performance.now() + timeoutMs;
    for (const stream of this.#streams) stream.drain();
    await this.#streamsClosed(timeoutMs);
    for (const stream of this.#streams) stream.abandon();
    await this.#streamsClosed(CLOSE_MS);
    // Other services on this server have what is left of the time.
    await this.#shutdown(Math.max(CLOSE_MS, until - performance.now()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#accepting = false;
    await this.#shutdown(0);
  }

  #onStream(stream: ServerDuplexStream<Buffer, Buffer>, limits: LinkLimits): void {
    if (!this.#accepting) {
      stream.emit('error', { code: status.UNAVAILABLE, details: 'The router drains; use another' });
      return;
    }
    const link = new RouterStream({
      stream,
      handler: this.#options.handler,
      limits,
      maxInFlight: this.#options.maxInFlightPerLink ?? 20_000,
      routerId: this.#options.routerId ?? '',
      log: this.#log,
      onClosed: (closed) => {
        this.#streams.delete(closed);
        this.#log.info({ gateway: stream.getPeer() }, 'A gateway left');
        this.#onStreamClosed?.();
      },
    });
    this.#streams.add(link);
    this.#log.info({ gateway: stream.getPeer() }, 'A gateway linked');
  }

  async #streamsClosed(timeoutMs: number): Promise<void> {
    if (this.#streams.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onStreamClosed = () => {
        if (this.#streams.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #shutdown(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, timeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
    for (const stream of this.#streams) stream.abandon();
  }
}
