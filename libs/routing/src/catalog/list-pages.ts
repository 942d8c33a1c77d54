import { createHash } from 'node:crypto';
import { BridgeError, replaceSpan } from '@mcp-bridge/protocol';
import { META } from '../adapt/era.js';
import type { Definition, Excluded, ListBody } from './definitions.js';
import { LISTS } from './list-kind.js';
import type { ListKind } from './list-kind.js';
import { UPSTREAMS_META } from './missing-servers.js';
import type { MissingServers } from './missing-servers.js';
import { isValidToolName } from './tool-name.js';
import type { View } from './views.js';

/** What a page says beside its items. */
export interface PageFrame {
  readonly modern: boolean;
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
  /** Raw JSON of the server info for `_meta`, `''` for none. */
  readonly serverInfo: string;
  /** Servers that are missing or out of date; `undefined` when there are none. */
  readonly upstreams: MissingServers | undefined;
  readonly pageSize: number;
}

interface Item {
  readonly server: string;
  readonly definition: Definition;
  /** The name to splice in; `undefined` leaves the definition's bytes alone. */
  readonly rename: string | undefined;
}

/** A page ends here even before its number of items does. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

const CURSOR_VERSION = 1;

/**
 * One view's list, aggregated, in pages. Pages are rendered once, when first asked for.
 *
 * A cursor names the item after which its page begins: a digest over kind, view, server and name, so it means
 * the same on every replica, holds across a re-fetch, survives a change elsewhere in the list, and is refused
 * when its item is gone. It grants nothing: it only finds what the list of this caller holds anyway.
 */
export class ListPages {
  /** Approximate memory, for the cache's account. */
  readonly bytes: number;
  /** Items of the upstreams that this view cannot show. */
  readonly excluded: readonly (Excluded & { readonly server: string })[];
  readonly #view: View;
  readonly #kind: ListKind;
  readonly #frame: PageFrame;
  readonly #metaMembers: string;
  readonly #items: readonly Item[];
  /** Rendered pages by first item, only of the regular sequence: anybody may ask from any item. */
  readonly #rendered = new Map<number, Buffer>();
  readonly #regularStarts = new Set<number>([0]);
  #positions: Map<string, number> | undefined;

  constructor(view: View, kind: ListKind, bodies: readonly ListBody[], frame: PageFrame) {
    this.#view = view;
    this.#kind = kind;
    this.#frame = frame;
    const [only] = bodies;
    // Vendor keys of several servers could contradict each other; of one they pass.
    this.#metaMembers = view.prefixed || only === undefined ? '' : only.metaMembers;
    const { items, excluded } = collect(view, kind, bodies);
    this.#items = items;
    this.excluded = excluded;
    this.bytes = items.reduce((sum, item) => sum + item.definition.raw.length + 300, 1000);
  }

  get size(): number {
    return this.#items.length;
  }

  /**
   * The raw JSON of one page's result.
   * @param cursor - `undefined` for the first page; `''` is a cursor, one that this bridge never gives out
   * @throws {BridgeError} INVALID_PARAMS when the cursor is not of this list or its item is gone
   */
  page(cursor: string | undefined): Buffer {
    const start = cursor === undefined ? 0 : this.#startAfter(cursor);
    const known = this.#rendered.get(start);
    if (known !== undefined) return known;
    const end = this.#endOfPage(start);
    const page = this.#render(start, end);
    if (this.#regularStarts.has(start)) {
      this.#rendered.set(start, page);
      if (end < this.#items.length) this.#regularStarts.add(end);
    }
    return page;
  }

  #startAfter(cursor: string): number {
    this.#positions ??= new Map(this.#items.map((item, index) => [this.#cursorAfter(item), index + 1]));
    const start = this.#positions.get(cursor);
    if (start !== undefined) return start;
    throw new BridgeError(
      'INVALID_PARAMS',
      `Unknown cursor for ${LISTS[this.#kind].method}, or the list has changed; start again without a cursor`,
    );
  }

  #cursorAfter(item: Item): string {
    const text = `${this.#kind}\0${this.#view.name}\0${item.server}\0${item.definition.key}`;
    const digest = createHash('sha256').update(text).digest().subarray(0, 16);
    return Buffer.concat([Buffer.from([CURSOR_VERSION]), digest]).toString('base64url');
  }

  #endOfPage(start: number): number {
    let bytes = 0;
    let end = start;
    while (end < this.#items.length && end - start < this.#frame.pageSize) {
      bytes += this.#items[end]?.definition.raw.length ?? 0;
      if (bytes > MAX_PAGE_BYTES && end > start) break;
      end += 1;
    }
    return end;
  }

  #render(start: number, end: number): Buffer {
    const { modern, ttlMs, cacheScope, serverInfo, upstreams } = this.#frame;
    const parts: Buffer[] = [];
    parts.push(Buffer.from(`{${modern ? '"resultType":"complete",' : ''}"${LISTS[this.#kind].member}":[`));
    const comma = Buffer.from(',');
    for (const [index, item] of this.#items.slice(start, end).entries()) {
      if (index > 0) parts.push(comma);
      parts.push(renamed(item));
    }
    const last = end < this.#items.length ? this.#items[end - 1] : undefined;
    const next = last === undefined ? '' : `,"nextCursor":"${this.#cursorAfter(last)}"`;
    const caching = modern ? `,"ttlMs":${ttlMs},"cacheScope":"${cacheScope}"` : '';
    const meta = [
      ...(modern && serverInfo !== '' ? [`"${META.serverInfo}":${serverInfo}`] : []),
      ...(upstreams === undefined ? [] : [`"${UPSTREAMS_META}":${JSON.stringify(upstreams)}`]),
      ...(this.#metaMembers === '' ? [] : [this.#metaMembers]),
    ].join(',');
    parts.push(Buffer.from(`]${next}${caching}${meta === '' ? '' : `,"_meta":{${meta}}`}}`));
    return Buffer.concat(parts);
  }
}

function renamed({ definition, rename }: Item): Buffer {
  if (rename === undefined) return definition.raw;
  return replaceSpan(definition.raw, definition.keySpan, JSON.stringify(rename));
}

/** The items that the view shows, in the order of the configuration, then of each server. */
function collect(
  view: View,
  kind: ListKind,
  bodies: readonly ListBody[],
): { items: Item[]; excluded: (Excluded & { server: string })[] } {
  const items: Item[] = [];
  const excluded: (Excluded & { server: string })[] = [];
  const uris = new Map<string, string>();
  for (const { server, definitions } of bodies) {
    for (const definition of definitions) {
      const { key } = definition;
      if (kind === 'resources' || kind === 'resourceTemplates') {
        if (!view.allowsResource(key, server)) continue;
        const owner = uris.get(key);
        if (owner === undefined) {
          uris.set(key, server);
          items.push({ server, definition, rename: undefined });
        } else {
          excluded.push({ server, key, reason: `server "${owner}" has it too and comes first` });
        }
        continue;
      }
      const name = kind === 'tools' ? view.clientToolName(server, key) : view.clientPromptName(server, key);
      if (name === undefined) continue;
      if (kind === 'tools' && view.prefixed && !isValidToolName(name)) {
        excluded.push({
          server,
          key,
          reason: `the name "${name.slice(0, 160)}" breaks the rule for tool names`,
        });
        continue;
      }
      items.push({ server, definition, rename: name === key ? undefined : name });
    }
  }
  return { items, excluded };
}
