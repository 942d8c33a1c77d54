import type { CallSink, Link } from '@mcp-bridge/link';
import type { BridgeError } from '@mcp-bridge/protocol';
import { LRUCache } from 'lru-cache';
import { toInternalCall } from '../calls/call-request.js';
import type { Client } from '../calls/client.js';

/** What a view says of itself; the part of a `server/discover` result that `initialize` needs. */
export interface Description {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

export interface DiscoveryOptions {
  readonly link: Link;
  readonly timeoutMs: () => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Describes views, for the answer to `initialize`. */
export interface Discovery {
  /** @throws {BridgeError} what the router answered; METHOD_NOT_FOUND for a view that does not exist */
  describe(client: Client): Promise<Description>;
}

/** A changed server shows in new sessions after this at the latest. */
const MAX_AGE_MS = 5_000;
const MAX_ENTRIES = 1_000;
const SERVER_INFO_META = 'io.modelcontextprotocol/serverInfo';
const BRIDGE_INFO = { name: 'mcp-bridge', version: '0.1.0' };

interface Entry {
  readonly description: Promise<Description>;
  /** Infinity while the router is being asked: callers that come meanwhile share the answer. */
  expiresAt: number;
}

/** Asks the router, and keeps the answer per principal and view for as long as it is fresh, at most 5 s. */
export function createDiscovery({ link, timeoutMs, now }: DiscoveryOptions): Discovery {
  const cache = new LRUCache<string, Entry>({ max: MAX_ENTRIES });
  return {
    describe(client) {
      const key = JSON.stringify([
        client.principal.tenant,
        client.principal.id,
        client.view,
        client.revision.version,
        client.capabilities,
      ]);
      const known = cache.get(key);
      if (known !== undefined && now() < known.expiresAt) return known.description;
      let ttlMs = 0;
      const description = ask(link, client, timeoutMs()).then((result) => {
        ttlMs = Math.min(freshnessOf(result), MAX_AGE_MS);
        return describe(result);
      });
      const entry: Entry = { description, expiresAt: Infinity };
      const settle = (): void => {
        entry.expiresAt = now() + ttlMs;
        if (ttlMs === 0 && cache.peek(key) === entry) cache.delete(key);
      };
      description.then(settle, settle);
      cache.set(key, entry);
      return description;
    },
  };
}

function ask(link: Link, client: Client, timeoutMs: number): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const sink: CallSink = {
      onMessage() {},
      onResult(result: Buffer) {
        // The router made or validated it: a JSON object.
        resolve(JSON.parse(result.toString('utf8')) as Record<string, unknown>);
      },
      onError(error: BridgeError) {
        reject(error);
      },
    };
    // Not part of a session: the answer serves others of this principal too.
    link.call(toInternalCall('server/discover', { ...client, session: '' }, { timeoutMs }), sink);
  });
}

function freshnessOf(result: Record<string, unknown>): number {
  const ttlMs = result['ttlMs'];
  return typeof ttlMs === 'number' && ttlMs > 0 ? ttlMs : 0;
}

function describe(result: Record<string, unknown>): Description {
  const meta = objectOr(result['_meta'], {});
  const instructions = result['instructions'];
  return {
    capabilities: objectOr(result['capabilities'], {}),
    serverInfo: objectOr(meta[SERVER_INFO_META], objectOr(result['serverInfo'], BRIDGE_INFO)),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

function objectOr(value: unknown, otherwise: Record<string, unknown>): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  // Checked in the line above; JSON objects have string keys.
  return isObject ? (value as Record<string, unknown>) : otherwise;
}
