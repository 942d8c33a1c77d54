import { BridgeError } from '@mcp-bridge/protocol';
import type { UpstreamChannel } from '../upstream/channel.js';
import { ownMeta } from '../upstream/handshake.js';
import { buildListBody, parseListPage } from './definitions.js';
import type { ListBody, ListPage } from './definitions.js';
import { LISTS } from './list-kind.js';
import type { ListKind } from './list-kind.js';

/** A server's whole list, and what the server said about keeping it. */
export interface FetchedList {
  readonly body: ListBody;
  /** `undefined` when the server gave no hint (legacy servers never do). */
  readonly ttlMs: number | undefined;
  /** `private` unless every page said `public`. */
  readonly cacheScope: 'public' | 'private';
  /** Why the list ends before the server's own end, if it does. */
  readonly truncated: string | undefined;
}

export interface FetchLimits {
  readonly maxPages: number;
  readonly maxItems: number;
  readonly maxBytes: number;
  /** For all pages together. */
  readonly timeoutMs: number;
}

/** A server that pages without end must not fill the router. */
export const DEFAULT_FETCH_LIMITS: FetchLimits = {
  maxPages: 200,
  maxItems: 20_000,
  maxBytes: 16 * 1024 * 1024,
  timeoutMs: 30_000,
};

const METHOD_NOT_FOUND = -32601;

/**
 * Reads all pages of one list of one upstream. A server without the capability is not asked and has an empty
 * list, and so has one that does not know the method.
 *
 * @throws {BridgeError} what the upstream answered, UPSTREAM_PROTOCOL for a malformed list, DEADLINE_EXCEEDED
 *   after `timeoutMs`; a list is free of side effects, so a retry is safe
 */
export async function fetchList(
  server: string,
  kind: ListKind,
  channel: UpstreamChannel,
  limits: FetchLimits,
): Promise<FetchedList> {
  const modern = channel.info.era === 'modern';
  const pages: ListPage[] = [];
  let truncated: string | undefined;
  if (channel.info.capabilities[LISTS[kind].capability] !== undefined) {
    truncated = await readPages(kind, channel, limits, pages);
  }
  const items = pages.flatMap((page) => page.items).slice(0, limits.maxItems);
  const ttls = pages.map((page) => page.ttlMs ?? 0);
  return {
    body: buildListBody(server, kind, items, pages[0]?.metaMembers ?? '', modern),
    // No page: the capability says so, which holds until the server says otherwise.
    ttlMs: modern && pages.length > 0 ? Math.min(...ttls) : undefined,
    cacheScope: modern && pages.every((page) => page.cacheScope === 'public') ? 'public' : 'private',
    truncated,
  };
}

/** Appends pages until the last one; returns why it stopped early, if it did. */
async function readPages(
  kind: ListKind,
  channel: UpstreamChannel,
  limits: FetchLimits,
  pages: ListPage[],
): Promise<string | undefined> {
  const deadlineAt = performance.now() + limits.timeoutMs;
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let items = 0;
  let bytes = 0;
  for (;;) {
    let result: Buffer;
    try {
      result = await requestPage(kind, channel, cursor, deadlineAt);
    } catch (error) {
      if (pages.length === 0 && BridgeError.from(error).rpcCode === METHOD_NOT_FOUND) return undefined;
      throw error;
    }
    const page = parseListPage(kind, result);
    pages.push(page);
    items += page.items.length;
    bytes += result.length;
    cursor = page.nextCursor;
    if (cursor === undefined) return undefined;
    if (cursors.has(cursor)) return 'the server repeated a cursor';
    cursors.add(cursor);
    if (pages.length >= limits.maxPages) return `it has more than ${limits.maxPages} pages`;
    if (items >= limits.maxItems) return `it has more than ${limits.maxItems} items`;
    if (bytes >= limits.maxBytes) return `it is larger than ${limits.maxBytes} bytes`;
  }
}

function requestPage(
  kind: ListKind,
  channel: UpstreamChannel,
  cursor: string | undefined,
  deadlineAt: number,
): Promise<Buffer> {
  const { method } = LISTS[kind];
  const { era, protocolVersion } = channel.info;
  const params = {
    ...(cursor === undefined ? {} : { cursor }),
    // Lists may not depend on who asks except by credentials (requirement 40): no capabilities are declared.
    ...(era === 'modern' ? { _meta: ownMeta(protocolVersion) } : {}),
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      handle.cancel('timeout');
      reject(new BridgeError('DEADLINE_EXCEEDED', `No answer to ${method} in time`));
    }, deadlineAt - performance.now());
    timer.unref();
    const handle = channel.request(
      {
        method,
        name: '',
        params: Buffer.from(JSON.stringify(params)),
        progressTokenStart: -1,
        progressTokenEnd: -1,
        protocolVersion,
        deadlineAt,
        logLevel: '',
        owner: '',
      },
      {
        onNotification() {
          // Nothing was asked for: neither progress nor logs.
        },
        onServerRequest(_request, respond) {
          // The catalog's channel declares no capabilities; a server that asks anyway gets the protocol's answer.
          respond('error', Buffer.from(`{"code":${METHOD_NOT_FOUND},"message":"Method not found"}`));
        },
        onResult(reply) {
          clearTimeout(timer);
          // A copy: the reply may be a view into a large read buffer, and the list outlives it.
          resolve(Buffer.from(reply.bytes.subarray(reply.result.start, reply.result.end)));
        },
        onError(error) {
          clearTimeout(timer);
          reject(error);
        },
      },
    );
  });
}
