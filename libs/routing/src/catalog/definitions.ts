import { createHash } from 'node:crypto';
import { arrayItems, BridgeError, objectMembers, rawText } from '@mcp-bridge/protocol';
import type { Span } from '@mcp-bridge/protocol';
import { LISTS } from './list-kind.js';
import type { ListKind } from './list-kind.js';
import { readParamHeaders } from './param-headers.js';
import type { ParamHeader } from './param-headers.js';

/** One tool, prompt, resource or template as its server wrote it; only the name is ever spliced. */
export interface Definition {
  /** What identifies it in its server's list: name, URI or URI template. */
  readonly key: string;
  readonly raw: Buffer;
  /** Position of the key's JSON string in `raw`, quotes included. */
  readonly keySpan: Readonly<Span>;
  /** Of `raw`: tells a changed definition from the same one. */
  readonly digest: string;
  /** Arguments of a tool that travel as `Mcp-Param-*` headers too. */
  readonly paramHeaders: readonly ParamHeader[];
}

/** An item that no client gets to see, and why. */
export interface Excluded {
  readonly key: string;
  readonly reason: string;
}

/** The whole list of one server. Immutable; equal lists are the same object. */
export interface ListBody {
  readonly server: string;
  readonly kind: ListKind;
  /** Of the contents. */
  readonly id: string;
  readonly definitions: readonly Definition[];
  readonly byKey: ReadonlyMap<string, Definition>;
  readonly excluded: readonly Excluded[];
  /** Keys of those that are excluded because their definitions changed. */
  readonly blocked: ReadonlySet<string>;
  /** Raw members of the first page's `_meta` without the protocol's own; `''` for none. */
  readonly metaMembers: string;
  readonly bytes: number;
}

/** One page of an upstream's list, taken apart. */
export interface ListPage {
  readonly items: readonly Buffer[];
  readonly nextCursor: string | undefined;
  readonly ttlMs: number | undefined;
  readonly cacheScope: 'public' | 'private' | undefined;
  readonly metaMembers: string;
}

const NONE: ReadonlySet<string> = new Set();
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** Bytes that a definition costs beside its text. */
const DEFINITION_OVERHEAD = 400;

/** `ttlMs` of an upstream counts at most this much: nobody's hint is good for longer than a day. */
const MAX_TTL_MS = 86_400_000;

/**
 * Takes one page of an upstream's list result apart. Items stay bytes: numbers that a double cannot hold and
 * repeated keys inside a schema survive.
 *
 * @param result - raw JSON of the result; the items are views into it, so hand in a copy that may be kept
 * @throws {BridgeError} UPSTREAM_PROTOCOL when this is not a complete list result
 */
export function parseListPage(kind: ListKind, result: Buffer): ListPage {
  const { member, method } = LISTS[kind];
  const values = parseObject(result, method);
  const resultType = values['resultType'];
  if (resultType !== undefined && resultType !== 'complete') {
    throw new BridgeError('UPSTREAM_PROTOCOL', `The result of ${method} is not of type "complete"`);
  }
  const members = objectMembers(result, result.indexOf(OPEN_BRACE));
  const list = members.filter((candidate) => candidate.key === member);
  const [span] = list;
  if (span === undefined || list.length > 1 || result[span.value.start] !== OPEN_BRACKET) {
    throw new BridgeError('UPSTREAM_PROTOCOL', `The result of ${method} needs exactly one array "${member}"`);
  }
  const ttl = values['ttlMs'];
  const scope = values['cacheScope'];
  const cursor = values['nextCursor'];
  const meta = members.find((candidate) => candidate.key === '_meta');
  return {
    items: arrayItems(result, span.value.start).map((item) => result.subarray(item.start, item.end)),
    // An empty string is a cursor like any other (server/utilities/pagination); null is none.
    nextCursor: typeof cursor === 'string' ? cursor : undefined,
    ttlMs: typeof ttl === 'number' ? Math.min(Math.max(Math.floor(ttl), 0), MAX_TTL_MS) : undefined,
    cacheScope: scope === 'public' || scope === 'private' ? scope : undefined,
    metaMembers: meta === undefined ? '' : foreignMembers(result, meta.value.start),
  };
}

/**
 * Builds a server's list from the items of all its pages, in their order.
 *
 * @param excludeBadHeaders - leave out tools whose `x-mcp-header` annotations break the rules (requirement 32)
 */
export function buildListBody(
  server: string,
  kind: ListKind,
  items: readonly Buffer[],
  metaMembers: string,
  excludeBadHeaders: boolean,
): ListBody {
  const byKey = new Map<string, Definition>();
  const excluded: Excluded[] = [];
  const hash = createHash('sha256').update(`${server}\0${kind}\0${metaMembers}\0`);
  let bytes = 0;
  for (const item of items) {
    const definition = readDefinition(kind, item, excludeBadHeaders);
    if ('reason' in definition) {
      excluded.push(definition);
    } else if (byKey.has(definition.key)) {
      excluded.push({ key: definition.key, reason: 'the server lists it twice; the first one counts' });
    } else {
      byKey.set(definition.key, definition);
      hash.update(definition.digest);
      bytes += item.length + DEFINITION_OVERHEAD;
    }
  }
  return {
    server,
    kind,
    id: hash.digest('base64url').slice(0, 22),
    definitions: [...byKey.values()],
    byKey,
    excluded,
    blocked: NONE,
    metaMembers,
    bytes: bytes + DEFINITION_OVERHEAD,
  };
}

function readDefinition(kind: ListKind, raw: Buffer, excludeBadHeaders: boolean): Definition | Excluded {
  const { key: keyName } = LISTS[kind];
  if (raw[0] !== OPEN_BRACE) return { key: '', reason: 'it is not an object' };
  const keys = objectMembers(raw, 0).filter((candidate) => candidate.key === keyName);
  const [span] = keys;
  const key: unknown = span === undefined ? undefined : JSON.parse(rawText(raw, span.value));
  if (span === undefined || typeof key !== 'string' || key === '') {
    return { key: '', reason: `it has no "${keyName}"` };
  }
  // Two parsers could read two different names.
  if (keys.length > 1) return { key, reason: `it has more than one "${keyName}"` };
  const headers = kind === 'tools' ? readParamHeaders(raw) : { paramHeaders: [] };
  if ('fault' in headers && excludeBadHeaders) return { key, reason: headers.fault };
  return {
    key,
    raw,
    keySpan: span.value,
    digest: createHash('sha256').update(raw).digest('base64url').slice(0, 22),
    paramHeaders: headers.paramHeaders,
  };
}

/** Raw members of an object except those under the protocol's own prefix. */
function foreignMembers(bytes: Buffer, start: number): string {
  if (bytes[start] !== OPEN_BRACE) return '';
  return objectMembers(bytes, start)
    .filter((member) => !member.key.startsWith('io.modelcontextprotocol/'))
    .map((member) => `${rawText(bytes, member.keySpan)}:${rawText(bytes, member.value)}`)
    .join(',');
}

function parseObject(bytes: Buffer, method: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new BridgeError('UPSTREAM_PROTOCOL', `The result of ${method} is not JSON`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BridgeError('UPSTREAM_PROTOCOL', `The result of ${method} is not an object`);
  }
  // A parsed JSON object has string keys and JSON values.
  return value as Record<string, unknown>;
}
