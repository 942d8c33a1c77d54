import type { HttpServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { Era, UpstreamChannel, UpstreamInfo } from '../channel.js';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Connector, OpenOptions, Refusal } from '../connector.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { HttpEndpoint } from './http-endpoint.js';
import { discover, initialize } from './http-handshake.js';
import type { NotStreamable } from './http-handshake.js';
import { LegacyHttpChannel } from './legacy-http-channel.js';
import { ModernHttpChannel } from './modern-http-channel.js';
import type { SseChannel } from './sse-channel.js';
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

/** Opens channels to one configured URL. */
export class HttpConnector implements Connector {
  readonly #options: HttpConnectorOptions;
  readonly #endpoint: HttpEndpoint;
  /** The server speaks HTTP+SSE: by configuration, or as the last probe found. */
  #isSse = false;

  constructor(options: HttpConnectorOptions) {
    this.#options = options;
    this.#endpoint = new HttpEndpoint(options.server, options.config);
  }

  /**
   * Modern first; what is no modern answer means `initialize`; where that is not served either, a stream of
   * 2024-11-05 may be. Failures that prove nothing are thrown.
   */
  probe(options: OpenOptions): Promise<UpstreamChannel> {
    return this.#counted(async () => {
      this.#isSse = this.#options.config.transport === 'sse';
      if (this.#isSse) return orThrow(await this.#legacy(options));
      const verdict = await discover(this.#endpoint, this.#options.probeTimeoutMs);
      if (verdict !== 'silent' && verdict.era === 'unusable') throw verdict.error;
      if (verdict !== 'silent' && verdict.era === 'modern') return this.#modern(options, verdict.info);
      return orThrow(await this.#legacy(options));
    });
  }

  open(era: Era, options: OpenOptions): Promise<UpstreamChannel | Refusal> {
    return this.#counted(async () => {
      if (era === 'legacy') return this.#legacy(options);
      const verdict = await discover(this.#endpoint, this.#options.config.startTimeout);
      if (verdict === 'silent') throw this.#unavailable('did not answer server/discover');
      if (verdict.era === 'unusable') throw verdict.error;
      if (verdict.era === 'legacy') return { refusal: this.#unavailable('no longer speaks 2026-07-28') };
      return this.#modern(options, verdict.info);
    });
  }

  close(): Promise<void> {
    return this.#endpoint.close();
  }

  async #counted<T>(connect: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const { meters } = this.#options;
    try {
      const opened = await connect();
      meters.establishment.observe((performance.now() - startedAt) / 1000);
      return opened;
    } catch (error) {
      meters.failed('handshake');
      throw error;
    }
  }

  #modern(options: OpenOptions, info: UpstreamInfo): ModernHttpChannel {
    return new ModernHttpChannel({ ...this.#options, ...options, endpoint: this.#endpoint }, info);
  }

  async #legacy(options: OpenOptions): Promise<UpstreamChannel | Refusal> {
    const { startTimeout: startTimeoutMs, transport } = this.#options.config;
    if (this.#isSse) return this.#sse(options, startTimeoutMs);
    const session = await initialize(this.#endpoint, options.declaration, startTimeoutMs);
    if ('status' in session && transport === 'auto') return this.#older(options, session);
    if ('refusal' in session) return session;
    const all = { ...this.#options, ...options, endpoint: this.#endpoint, startTimeoutMs };
    const channel = new LegacyHttpChannel(all, session);
    await channel.start();
    return channel;
  }

  /** 2025-11-25 basic/transports, "Backwards Compatibility": a GET that begins with an `endpoint` event. */
  async #older(options: OpenOptions, { status }: NotStreamable): Promise<UpstreamChannel | Refusal> {
    const opened = await this.#sse(options, this.#options.probeTimeoutMs);
    if (!('refusal' in opened)) {
      this.#isSse = true;
      return opened;
    }
    const { message } = opened.refusal;
    const refusal = this.#unavailable(
      `answered ${status} to initialize, and speaks no HTTP+SSE transport of 2024-11-05 either (${message})`,
    );
    return { refusal };
  }

  #sse(options: OpenOptions, streamTimeoutMs: number): Promise<SseChannel | Refusal> {
    const { startTimeout: startTimeoutMs } = this.#options.config;
    const endpoint = this.#endpoint;
    return connectSse({ ...this.#options, ...options, endpoint, streamTimeoutMs, startTimeoutMs });
  }

  #unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.#options.server}" ${what}`);
  }
}

function orThrow(opened: UpstreamChannel | Refusal): UpstreamChannel {
  if ('refusal' in opened) throw opened.refusal;
  return opened;
}
