import {
  arrayItems,
  BridgeError,
  insertion,
  isCacheable,
  mayRequireInput,
  objectMembers,
  splice,
} from '@mcp-bridge/protocol';
import type { Edit, Envelope, Span } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import { declaresTasks, refuseUndeclaredInput } from '../input/capabilities.js';
import type { UpstreamInfo } from '../upstream/channel.js';
import { isModernVersion, META } from './era.js';

/** 2026-07-28 server/utilities/completion: "Maximum 100 items per response". */
const MAX_COMPLETIONS = 100;

/**
 * An upstream's result as this client's revision expects it: `resultType` and, on cacheable results, `ttlMs` and
 * `cacheScope` are there for modern clients (requirements 7 and 41) and absent for legacy ones; a legacy server's
 * results name it, as modern ones do themselves (requirement 9); completions keep their bound (requirement 58).
 * Everything else passes byte for byte; where nothing has to change, so do the bytes.
 *
 * @param upstream - what the server said of itself
 * @throws {BridgeError} UPSTREAM_PROTOCOL for a kind of result that this client cannot take; MISSING_CAPABILITY when
 *   the server asks a modern client for input that it did not declare
 */
export function clientResult(request: CallRequest, reply: Envelope, upstream?: UpstreamInfo): Buffer {
  const modern = isModernVersion(request.protocolVersion);
  refuseStrangeResult(request, reply, modern);
  const result = reply.bytes.subarray(reply.result.start, reply.result.end);
  const edits = modern ? modernEdits(request, reply, result, upstream) : removals(reply);
  if (request.method === 'completion/complete') edits.push(...surplusCompletions(result));
  return edits.length === 0
    ? result
    : splice(
        result,
        edits.sort((a, b) => a.start - b.start),
      );
}

/** Requirements 7, 8, 43 and 64: only what the client can make sense of, and what its request allows. */
function refuseStrangeResult(request: CallRequest, reply: Envelope, modern: boolean): void {
  const type = reply.resultType;
  if (type === undefined || type === 'complete') return;
  if (type === 'input_required' && mayRequireInput(request.method)) {
    if (reply.inputRequests.start < 0 && reply.resultRequestState.start < 0) {
      throw new BridgeError('UPSTREAM_PROTOCOL', 'The upstream requires input but does not say which');
    }
    if (modern) refuseUndeclaredInput(request.capabilities, reply);
    return;
  }
  if (modern && type === 'task' && declaresTasks(request.capabilities)) return;
  const isCore = type === 'input_required' || type === 'task';
  if (modern && !isCore && request.capabilities.includes('"extensions"')) return;
  throw new BridgeError(
    'UPSTREAM_PROTOCOL',
    `The upstream answered with resultType "${type}", unknown to this client`,
  );
}

function modernEdits(
  request: CallRequest,
  reply: Envelope,
  result: Buffer,
  upstream: UpstreamInfo | undefined,
): Edit[] {
  const type = reply.resultType;
  const missing: string[] = [];
  const edits: Edit[] = [];
  if (type === undefined) missing.push('"resultType":"complete"');
  if (isCacheable(request.method) && (type === undefined || type === 'complete')) {
    if (reply.ttlMs.start < 0) missing.push('"ttlMs":0');
    if (reply.cacheScope.start < 0) missing.push('"cacheScope":"private"');
  }
  if (upstream?.era === 'legacy' && upstream.serverInfo !== undefined && reply.resultServerInfo.start < 0) {
    const member = `"${META.serverInfo}":${JSON.stringify(upstream.serverInfo)}`;
    if (reply.resultMeta.start < 0) missing.push(`"_meta":{${member}}`);
    else edits.push(insertion(result, reply.resultMeta.start - reply.result.start, member));
  }
  if (missing.length > 0) edits.push(insertion(result, 0, missing.join(',')));
  return edits;
}

/** What legacy revisions do not know of. */
function removals(reply: Envelope): Edit[] {
  const spans = [reply.resultTypeSpan, reply.ttlMs, reply.cacheScope].filter((span) => span.start >= 0);
  return spans.length === 0 ? [] : withoutMembers(reply, spans);
}

/** Cuts what a server suggests beyond the bound, and says that there is more. */
function surplusCompletions(result: Buffer): Edit[] {
  const completion = objectMembers(result, 0).find(({ key }) => key === 'completion')?.value;
  if (completion === undefined || result[completion.start] !== OPEN_BRACE) return [];
  const members = objectMembers(result, completion.start);
  const values = members.find(({ key }) => key === 'values')?.value;
  if (values === undefined || result[values.start] !== OPEN_BRACKET) return [];
  const items = arrayItems(result, values.start);
  const last = items[MAX_COMPLETIONS - 1];
  if (last === undefined || items.length === MAX_COMPLETIONS) return [];
  const hasMore = members.find(({ key }) => key === 'hasMore')?.value;
  return [
    { start: last.end, end: values.end - 1, text: '' },
    hasMore === undefined
      ? insertion(result, completion.start, '"hasMore":true')
      : { ...hasMore, text: 'true' },
  ];
}

/** Cuts whole members out of the result, each with one of the commas beside it. */
function withoutMembers(reply: Envelope, values: readonly Span[]): Edit[] {
  const { bytes, result } = reply;
  const cuts: { start: number; end: number }[] = [];
  for (const value of [...values].sort((a, b) => a.start - b.start)) {
    // Back over the colon to the key's opening quote: these keys hold no quote inside.
    let start = bytes.lastIndexOf(0x22, bytes.lastIndexOf(0x22, value.start - 1) - 1);
    let end = skipSpace(bytes, value.end);
    const previous = cuts.at(-1);
    const adjoins = previous !== undefined && skipSpace(bytes, previous.end) === start;
    if (adjoins) start = previous.start;
    if (bytes[end] === COMMA) {
      end += 1;
    } else {
      const before = lastBeforeSpace(bytes, start);
      if (bytes[before] === COMMA) start = before;
    }
    if (adjoins) cuts.pop();
    cuts.push({ start, end });
  }
  return cuts.map((cut) => ({
    start: cut.start - result.start,
    end: cut.end - result.start,
    text: '',
  }));
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function lastBeforeSpace(bytes: Buffer, from: number): number {
  let at = from - 1;
  while (isSpace(bytes[at])) at -= 1;
  return at;
}

const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
