import { BridgeError } from '@mcp-bridge/protocol';
import type { HttpServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { UpstreamUrlStatus } from '../channel.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { createBalancer } from './balance.js';
import type { Balancer } from './balance.js';
import { HttpEndpoint } from './http-endpoint.js';
import { RetryBudget } from './retry-budget.js';

export interface HttpEndpointsOptions {
  readonly server: string;
  readonly config: HttpServerConfig;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  readonly now: () => number;
}

/** With several URLs a dead one can be left out before any call meets it. */
const PROBE_INTERVAL_MS = 10_000;

/** The URLs of one server, which are taken to be equal, and what may be spent on repeating calls. */
export class HttpEndpoints {
  readonly server: string;
  readonly maxMessageBytes: number;
  readonly budget = new RetryBudget();
  readonly #all: readonly [HttpEndpoint, ...HttpEndpoint[]];
  readonly #balancer: Balancer;

  constructor(options: HttpEndpointsOptions) {
    const { server, config, meters } = options;
    this.server = server;
    this.maxMessageBytes = config.maxMessageBytes;
    const [first, ...others] = config.url;
    if (first === undefined) throw new BridgeError('INTERNAL', `servers.${server}.url is empty`);
    const several = others.length > 0;
    const probeIntervalMs = config.healthCheck.interval ?? (several ? PROBE_INTERVAL_MS : 0);
    const make = (url: string, index: number): HttpEndpoint =>
      new HttpEndpoint({ ...options, url, index, probeIntervalMs });
    this.#all = [make(first, 0), ...others.map((url, index) => make(url, index + 1))];
    this.#balancer = createBalancer(config.balance);
    for (const endpoint of this.#all) {
      const value = { closed: 0, 'half-open': 1, open: 2 };
      meters.trackUrl(endpoint.index, () => value[endpoint.state]);
    }
  }

  get several(): boolean {
    return this.#all.length > 1;
  }

  get status(): readonly UpstreamUrlStatus[] {
    return this.#all.map(({ status }) => status);
  }

  /**
   * The URL for the next call: one that works; else one that may be tried again; else any, which will refuse.
   * @param key - who calls, for `balance: session-hash`
   * @param not - to be avoided where another one works
   */
  pick(key: string, not?: HttpEndpoint): HttpEndpoint {
    const [only, ...others] = this.#all;
    if (others.length === 0) return only;
    return (
      this.#choose(key, (one) => one !== not && one.works) ??
      this.#choose(key, (one) => one !== not && one.admits) ??
      not ??
      this.#balancer.choose(this.#all, key)
    );
  }

  /** Whether some URL would take a call now. */
  get admits(): boolean {
    return this.#all.some((one) => one.admits);
  }

  /** Why no URL would take a call now, though one will in a while; `undefined` otherwise. */
  refusal(): BridgeError | undefined {
    if (this.admits) return undefined;
    const [first, ...others] = this.#all;
    const soonest = others.reduce((best, one) => (one.waitMs < best.waitMs ? one : best), first);
    return soonest.waitMs === Infinity ? undefined : soonest.refusal();
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((endpoint) => endpoint.close()));
  }

  #choose(key: string, fits: (one: HttpEndpoint) => boolean): HttpEndpoint | undefined {
    const [first, ...others] = this.#all.filter(fits);
    return first === undefined ? undefined : this.#balancer.choose([first, ...others], key);
  }
}
