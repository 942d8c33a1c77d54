import { insertion, objectMembers, rawText, splice } from '@mcp-bridge/protocol';
import type { Edit } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import type { Era } from '../upstream/channel.js';
import { isModernVersion, META, MODERN_VERSION } from './era.js';

/** A client's params as an upstream expects them. */
export interface UpstreamParams {
  readonly params: Buffer;
  /** Position of the progress token's value in `params`; `-1` when the client sent none. */
  readonly progressTokenStart: number;
  readonly progressTokenEnd: number;
}

/**
 * Turns a client's params into an upstream's: the name in its namespace, `_meta` in its era.
 * Same era and same name cost nothing: the bytes pass as they came.
 *
 * @param upstreamName - the target's name upstream; `undefined` keeps the client's
 * @param logLevel - level to ask a modern upstream for on behalf of a legacy client, `''` for none
 */
export function upstreamParams(
  request: CallRequest,
  upstreamName: string | undefined,
  era: Era,
  logLevel: string,
): UpstreamParams {
  const { params, spans } = request;
  const edits: Edit[] = [];
  if (upstreamName !== undefined && upstreamName !== request.name && spans.nameStart >= 0) {
    edits.push({ start: spans.nameStart, end: spans.nameEnd, text: JSON.stringify(upstreamName) });
  }
  const meta = metaEdit(request, era, logLevel);
  if (meta !== undefined) edits.push(meta);
  if (edits.length === 0) {
    return { params, progressTokenStart: spans.progressTokenStart, progressTokenEnd: spans.progressTokenEnd };
  }
  edits.sort((a, b) => a.start - b.start);
  const rewritten = splice(params, edits);
  if (spans.progressTokenStart < 0) {
    return { params: rewritten, progressTokenStart: -1, progressTokenEnd: -1 };
  }
  const tokenLength = spans.progressTokenEnd - spans.progressTokenStart;
  const replaced =
    meta !== undefined && meta.start < spans.progressTokenStart && meta.end > spans.progressTokenEnd;
  const start = replaced
    ? meta.start + shiftBefore(edits, meta.start) + TOKEN_FIRST.length
    : spans.progressTokenStart + shiftBefore(edits, spans.progressTokenStart);
  return { params: rewritten, progressTokenStart: start, progressTokenEnd: start + tokenLength };
}

/** Adds members at the front of params that have been adapted already: for retries with answers. */
export function withMembers(base: UpstreamParams, members: string): UpstreamParams {
  const edit = insertion(base.params, 0, members);
  const shift = base.progressTokenStart < 0 ? 0 : Buffer.byteLength(edit.text);
  return {
    params: splice(base.params, [edit]),
    progressTokenStart: base.progressTokenStart + shift,
    progressTokenEnd: base.progressTokenEnd + shift,
  };
}

/** The `_meta` members that a modern upstream needs on every request, without braces. */
export function modernMetaMembers(request: CallRequest, logLevel: string): string {
  const info = request.clientInfo === '' ? '' : `,"${META.clientInfo}":${request.clientInfo}`;
  const level = logLevel === '' ? '' : `,"${META.logLevel}":${JSON.stringify(logLevel)}`;
  return `"${META.protocolVersion}":"${MODERN_VERSION}","${META.clientCapabilities}":${request.capabilities}${info}${level}`;
}

function metaEdit(request: CallRequest, era: Era, logLevel: string): Edit | undefined {
  const { params, spans } = request;
  const modernClient = isModernVersion(request.protocolVersion);
  if (modernClient === (era === 'modern')) return undefined;
  if (modernClient) return reservedMetaRemoved(request);
  const members = modernMetaMembers(request, logLevel);
  if (spans.metaStart < 0) return insertion(params, 0, `"_meta":{${members}}`);
  return insertion(params, spans.metaStart, members);
}

/** How `_meta` begins after `reservedMetaRemoved`, when there is a token: its place is known without a scan. */
const TOKEN_FIRST = '{"progressToken":';

const RESERVED_PREFIX = 'io.modelcontextprotocol/';

/** A legacy upstream gets the client's own `_meta` without the modern protocol's keys, every other byte as it was. */
function reservedMetaRemoved({ params, spans }: CallRequest): Edit | undefined {
  const { metaStart: start, metaEnd: end } = spans;
  if (start < 0) return undefined;
  const kept = objectMembers(params, start)
    .filter(({ key }) => key !== 'progressToken' && !key.startsWith(RESERVED_PREFIX))
    .map(({ keySpan, value }) => `${rawText(params, keySpan)}:${rawText(params, value)}`);
  if (spans.progressTokenStart < 0) return { start, end, text: `{${kept.join(',')}}` };
  const token = params.toString('utf8', spans.progressTokenStart, spans.progressTokenEnd);
  return { start, end, text: `${TOKEN_FIRST}${[token, ...kept].join(',')}}` };
}

function shiftBefore(edits: readonly Edit[], position: number): number {
  let shift = 0;
  for (const edit of edits) {
    if (edit.end <= position) shift += Buffer.byteLength(edit.text) - (edit.end - edit.start);
  }
  return shift;
}
