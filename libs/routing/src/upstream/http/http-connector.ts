import type { HttpServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { Era, UpstreamChannel, UpstreamInfo, UpstreamUrlStatus } from '../channel.js';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Connector, OpenOptions, Refusal } from '../connector.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import type { HttpEndpoint } from './http-endpoint.js';
import { HttpEndpoints } from './http-endpoints.js';
import { discover, initialize } from './http-handshake.js';
import type { NotStreamable } from './http-handshake.js';
import { LegacyHttpChannel } from './legacy-http-channel.js';
import { ModernHttpChannel } from './modern-http-channel.js';
import { SseChannel } from './sse-channel.js';
import { connectSse } from './sse-handshake.js';

export interface HttpConnectorOptions {
  readonly server: string;
  readonly config: HttpServerConfig;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  readonly now: () => number;
  /** How long a silent server may keep us from trying `initialize`. */
  readonly probeTimeoutMs: number;
}

/** Opens channels to the URLs of one configured server. */
export class HttpConnector implements Connector {
  readonly #options: HttpConnectorOptions;
  readonly #endpoints: HttpEndpoints;
  /** The server speaks HTTP+SSE, as the last probe found. */
  #isSse = false;

  constructor(options: HttpConnectorOptions) {
    this.#options = options;
    this.#endpoints = new HttpEndpoints(options);
  }

  /**
   * Modern first; what is no modern answer means `initialize`; where that is not served either, a stream of
   * 2024-11-05 may be. Failures that prove nothing are thrown.
   */
  probe(options: OpenOptions): Promise<UpstreamChannel> {
    return this.#anywhere(options, async (endpoint) => {
      const opened = await this.#find(endpoint, options);
      if ('refusal' in opened) throw opened.refusal;
      this.#isSse = opened instanceof SseChannel;
      return opened;
    });
  }

  open(era: Era, options: OpenOptions): Promise<UpstreamChannel | Refusal> {
    return this.#anywhere(options, async (endpoint) => {
      if (era === 'legacy') {
        const { startTimeout } = this.#options.config;
        return this.#isSse ? this.#sse(endpoint, options, startTimeout) : this.#streamable(endpoint, options);
      }
      const verdict = await discover(endpoint, this.#options.config.startTimeout);
      if (verdict === 'silent') throw this.#unavailable('did not answer server/discover');
      if (verdict.era === 'unusable') throw verdict.error;
      if (verdict.era === 'legacy') return { refusal: this.#unavailable('no longer speaks 2026-07-28') };
      return this.#modern(options, verdict.info);
    });
  }

  refusal(): BridgeError | undefined {
    return this.#endpoints.refusal();
  }

  get urls(): readonly UpstreamUrlStatus[] {
    return this.#endpoints.status;
  }

  close(): Promise<void> {
    return this.#endpoints.close();
  }

  /** No call runs during a handshake: one that fails at a URL is tried at the others. */
  async #anywhere<T>(options: OpenOptions, connect: (endpoint: HttpEndpoint) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const { meters } = this.#options;
    const tried = new Set<HttpEndpoint>();
    let endpoint = this.#endpoints.pick(options.affinity);
    for (;;) {
      tried.add(endpoint);
      try {
        const opened = await connect(endpoint);
        meters.establishment.observe((performance.now() - startedAt) / 1000);
        return opened;
      } catch (error) {
        meters.failed('handshake');
        endpoint = this.#endpoints.pick(options.affinity, endpoint);
        if (tried.has(endpoint) || BridgeError.from(error).code !== 'UPSTREAM_UNAVAILABLE') throw error;
      }
    }
  }

  #modern(options: OpenOptions, info: UpstreamInfo): ModernHttpChannel {
    return new ModernHttpChannel({ ...this.#options, ...options, endpoints: this.#endpoints }, info);
  }

  async #find(endpoint: HttpEndpoint, options: OpenOptions): Promise<UpstreamChannel | Refusal> {
    const { startTimeout, transport } = this.#options.config;
    if (transport === 'sse') return this.#sse(endpoint, options, startTimeout);
    const verdict = await discover(endpoint, this.#options.probeTimeoutMs);
    if (verdict !== 'silent' && verdict.era === 'unusable') throw verdict.error;
    if (verdict !== 'silent' && verdict.era === 'modern') return this.#modern(options, verdict.info);
    const opened = await this.#streamable(endpoint, options);
    return 'status' in opened && transport === 'auto' ? this.#older(endpoint, options, opened) : opened;
  }

  async #streamable(
    endpoint: HttpEndpoint,
    options: OpenOptions,
  ): Promise<LegacyHttpChannel | Refusal | NotStreamable> {
    const startTimeoutMs = this.#options.config.startTimeout;
    const session = await initialize(endpoint, options.declaration, startTimeoutMs);
    if ('refusal' in session) return session;
    const all = { ...this.#options, ...options, endpoints: this.#endpoints, startTimeoutMs };
    const channel = new LegacyHttpChannel(all, session);
    await channel.start();
    return channel;
  }

  /** 2025-11-25 basic/transports, "Backwards Compatibility": a GET that begins with an `endpoint` event. */
  async #older(
    endpoint: HttpEndpoint,
    options: OpenOptions,
    newer: NotStreamable,
  ): Promise<SseChannel | Refusal> {
    const opened = await this.#sse(endpoint, options, this.#options.probeTimeoutMs);
    if (!('refusal' in opened)) return opened;
    const message = `${newer.refusal.message}; HTTP+SSE of 2024-11-05 fails too: ${opened.refusal.message}`;
    return { refusal: new BridgeError('UPSTREAM_UNAVAILABLE', message, { cause: newer.refusal }) };
  }

  #sse(endpoint: HttpEndpoint, options: OpenOptions, streamTimeoutMs: number): Promise<SseChannel | Refusal> {
    const { startTimeout: startTimeoutMs } = this.#options.config;
    const endpoints = this.#endpoints;
    return connectSse({
      ...this.#options,
      ...options,
      endpoint,
      endpoints,
      streamTimeoutMs,
      startTimeoutMs,
    });
  }

  #unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.#options.server}" ${what}`);
  }
}
