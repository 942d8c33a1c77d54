import { BridgeError, insertion, isCacheable, splice } from '@mcp-bridge/protocol';
import type { Envelope, Span } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import { isModernVersion } from './era.js';

const CORE_RESULT_TYPES = new Set(['complete', 'input_required', 'task']);

/**
 * An upstream's result as this client's revision expects it: `resultType` and, on cacheable results, `ttlMs` and
 * `cacheScope` are there for modern clients (requirements 7 and 41) and absent for legacy ones. Everything else
 * passes byte for byte; where nothing has to change, so do the bytes.
 *
 * @throws {BridgeError} UPSTREAM_PROTOCOL for a result type that the specification does not know and no
 *   extension of this client could explain
 */
export function clientResult(request: CallRequest, reply: Envelope): Buffer {
  const { start, end } = reply.result;
  if (isModernVersion(request.protocolVersion)) {
    const members = missingMembers(request, reply);
    if (members === '') return reply.bytes.subarray(start, end);
    const result = reply.bytes.subarray(start, end);
    return splice(result, [insertion(result, 0, members)]);
  }
  const removals = [reply.resultTypeSpan, reply.ttlMs, reply.cacheScope].filter((span) => span.start >= 0);
  if (removals.length === 0) return reply.bytes.subarray(start, end);
  return withoutMembers(reply, removals);
}

function missingMembers(request: CallRequest, reply: Envelope): string {
  const type = reply.resultType;
  if (type !== undefined && !CORE_RESULT_TYPES.has(type) && !request.capabilities.includes('"extensions"')) {
    throw new BridgeError('UPSTREAM_PROTOCOL', `The upstream answered with the unknown resultType "${type}"`);
  }
  const missing: string[] = [];
  if (type === undefined) missing.push('"resultType":"complete"');
  if (isCacheable(request.method) && (type === undefined || type === 'complete')) {
    if (reply.ttlMs.start < 0) missing.push('"ttlMs":0');
    if (reply.cacheScope.start < 0) missing.push('"cacheScope":"private"');
  }
  return missing.join(',');
}

/** Cuts whole members out of the result, each with one of the commas beside it. */
function withoutMembers(reply: Envelope, values: readonly Span[]): Buffer {
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
  const edits = cuts.map((cut) => ({
    start: cut.start - result.start,
    end: cut.end - result.start,
    text: '',
  }));
  return splice(bytes.subarray(result.start, result.end), edits);
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

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
