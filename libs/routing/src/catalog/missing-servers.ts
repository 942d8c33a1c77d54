import { BridgeError } from '@mcp-bridge/protocol';
import type { UpstreamServer } from '../upstream/channel.js';
import type { Settled } from './settle-within.js';
import type { Warnings } from './warnings.js';

/** Key in a result's `_meta` that tells which servers are missing from an aggregated answer. */
export const UPSTREAMS_META = 'io.mcp-bridge/upstreams';

/** Why a server's part is missing, or, when `stale`, why it is an old one. */
export interface MissingServer {
  readonly state: UpstreamServer['state'] | 'missing';
  readonly message: string;
  readonly stale?: true;
}

/** By server name. */
export type MissingServers = Readonly<Record<string, MissingServer>>;

/** A server's failure may quote its own words: clients get at most this much of them. */
const MAX_MESSAGE = 300;

/** The error behind a part that did not come: the server's own, the reason it is down, or that it is slow. */
export function reasonOf(
  server: string,
  upstream: UpstreamServer | undefined,
  outcome: Settled<unknown> | undefined,
  what: string,
): BridgeError {
  if (outcome?.state === 'failed') return BridgeError.from(outcome.error);
  const down = upstream?.state === 'backoff' || upstream?.state === 'failed';
  if (down && upstream.lastError !== undefined) return upstream.lastError;
  return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" has not answered ${what} in time`);
}

/** Describes the absence for clients and, not too often, for the log. */
export function reportMissing(
  server: string,
  upstream: UpstreamServer | undefined,
  error: BridgeError,
  stale: boolean,
  warnings: Warnings,
): MissingServer {
  const state = upstream?.state ?? 'missing';
  warnings.rarely(server, { server, state, stale, err: error }, 'server missing from a list');
  return { state, message: error.message.slice(0, MAX_MESSAGE), ...(stale ? { stale } : {}) };
}
