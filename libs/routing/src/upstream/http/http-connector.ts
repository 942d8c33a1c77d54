import type { HttpServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { Era, UpstreamChannel, UpstreamInfo } from '../channel.js';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Connector, OpenOptions, Refusal } from '../connector.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { HttpEndpoint } from './http-endpoint.js';
import { discover, initialize } from './http-handshake.js';
import { LegacyHttpChannel } from './legacy-http-channel.js';
import { ModernHttpChannel } from './modern-http-channel.js';

export interface HttpConnectorOptions {
  readonly server: string;
  readonly config: HttpServerConfig;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  /** How long a silent server may keep us from trying `initialize`. */
  readonly probeTimeoutMs: number;
}

/** Opens channels to one configured URL. */
export class HttpConnector implements Connector {
  readonly #options: HttpConnectorOptions;
  readonly #endpoint: HttpEndpoint;

  constructor(options: HttpConnectorOptions) {
    this.#options = options;
    this.#endpoint = new HttpEndpoint(options.server, options.config);
  }

  /** Modern first; what is no modern answer means `initialize`; failures that prove nothing are thrown. */
  probe(options: OpenOptions): Promise<UpstreamChannel> {
    return this.#counted(async () => {
      const verdict = await discover(this.#endpoint, this.#options.probeTimeoutMs);
      if (verdict !== 'silent' && verdict.era === 'unusable') throw verdict.error;
      if (verdict !== 'silent' && verdict.era === 'modern') return this.#modern(options, verdict.info);
      const opened = await this.#legacy(options);
      if ('refusal' in opened) throw opened.refusal;
      return opened;
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

  async #legacy(options: OpenOptions): Promise<LegacyHttpChannel | Refusal> {
    const startTimeoutMs = this.#options.config.startTimeout;
    const session = await initialize(this.#endpoint, options.declaration, startTimeoutMs);
    if ('refusal' in session) return session;
    const all = { ...this.#options, ...options, endpoint: this.#endpoint, startTimeoutMs };
    const channel = new LegacyHttpChannel(all, session);
    await channel.start();
    return channel;
  }

  #unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.#options.server}" ${what}`);
  }
}
