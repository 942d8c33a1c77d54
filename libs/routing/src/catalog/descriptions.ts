import { LRUCache } from 'lru-cache';
import { SUPPORTED_VERSIONS } from '@mcp-bridge/protocol';
import { isModernVersion } from '../adapt/era.js';
import type { ServerLookup } from '../upstream/server-set.js';
import { describeView } from './describe-view.js';
import { reasonOf, reportMissing } from './missing-servers.js';
import type { MissingServer } from './missing-servers.js';
import { settleWithin } from './settle-within.js';
import type { UpstreamLists } from './upstream-lists.js';
import type { View } from './views.js';
import type { Warnings } from './warnings.js';

export interface DescriptionsOptions {
  readonly servers: ServerLookup;
  readonly lists: UpstreamLists;
  readonly warnings: Warnings;
  readonly now: () => number;
  readonly ttlMs: number;
  readonly bridgeInfo: Readonly<Record<string, unknown>>;
}

interface Description {
  readonly result: Buffer;
  readonly epoch: number;
  readonly expiresAt: number;
}

const MAX_DESCRIPTIONS = 1000;

/** The `server/discover` results of all views, kept until a server describes itself anew. */
export class Descriptions {
  readonly #options: DescriptionsOptions;
  readonly #known = new LRUCache<string, Description>({ max: MAX_DESCRIPTIONS });

  constructor(options: DescriptionsOptions) {
    this.#options = options;
  }

  /** @throws {BridgeError} the server's own error, for a single server's view when it never answered */
  async of(view: View, protocolVersion: string, patienceMs: number): Promise<Buffer> {
    const { lists, now, servers, warnings } = this.#options;
    const key = keyOf(view, protocolVersion);
    const known = this.#current(key);
    if (known !== undefined) return known.result;
    const settled = await settleWithin(
      view.servers.map((server) => lists.channel(server)),
      patienceMs,
    );
    const missing: Record<string, MissingServer> = {};
    const described = view.servers.map((server, index) => {
      const outcome = settled[index];
      if (outcome?.state === 'done') return { server, info: outcome.value.info };
      const upstream = servers.get(server);
      const error = reasonOf(server, upstream, outcome, 'the handshake');
      const info = lists.infoOf(server);
      if (!view.prefixed && info === undefined) throw error;
      missing[server] = reportMissing(server, upstream, error, info !== undefined, warnings);
      return { server, info };
    });
    const complete = Object.keys(missing).length === 0;
    const result = describeView(view, described, protocolVersion, {
      supportedVersions: SUPPORTED_VERSIONS,
      bridgeInfo: this.#options.bridgeInfo,
      // Without every server's say it is worth asking again at once.
      ttlMs: complete ? this.#options.ttlMs : 0,
      upstreams: complete ? undefined : missing,
    });
    if (complete)
      this.#known.set(key, { result, epoch: lists.epoch, expiresAt: now() + this.#options.ttlMs });
    return result;
  }

  /** Milliseconds for which a result that was just given out stays what everybody gets, if nothing changes; or 0. */
  freshMs(view: View, protocolVersion: string, result: Buffer): number {
    const known = this.#current(keyOf(view, protocolVersion));
    return known?.result === result ? Math.floor(known.expiresAt - this.#options.now()) : 0;
  }

  #current(key: string): Description | undefined {
    const { lists, now } = this.#options;
    const known = this.#known.get(key);
    return known !== undefined && known.epoch === lists.epoch && now() < known.expiresAt ? known : undefined;
  }
}

function keyOf(view: View, protocolVersion: string): string {
  return `${view.id}\0${isModernVersion(protocolVersion) ? 'modern' : 'legacy'}`;
}
