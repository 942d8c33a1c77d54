import { decodeString } from './decode-string.js';
import type { Envelope, Span } from './envelope.js';
import { BridgeError } from './errors.js';
import {
  byteAt,
  firstItem,
  firstMember,
  nextItem,
  nextMember,
  OPEN_BRACE,
  OPEN_BRACKET,
  skipColon,
  skipString,
  skipValue,
} from './json-text.js';

/** One member of an object: its decoded key, where the key's string lies, and where the value lies. */
export interface Member {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Span;
}

/** Levels that a walk over already validated bytes may meet; the scan has refused deeper ones. */
const WALK_DEPTH = 1000;

/**
 * The members of an object inside validated bytes, in order, duplicates included; values are not materialised.
 * @param start - index of `{`
 * @throws {BridgeError} PARSE_ERROR when there is no object
 */
export function objectMembers(bytes: Buffer, start: number): Member[] {
  if (byteAt(bytes, start) !== OPEN_BRACE) throw new BridgeError('PARSE_ERROR', `No object at byte ${start}`);
  const members: Member[] = [];
  let at = firstMember(bytes, start);
  while (at >= 0) {
    const keyEnd = skipString(bytes, at);
    const valueStart = skipColon(bytes, keyEnd);
    const valueEnd = skipValue(bytes, valueStart, WALK_DEPTH);
    members.push({
      key: decodeString(bytes, at, keyEnd),
      keySpan: { start: at, end: keyEnd },
      value: { start: valueStart, end: valueEnd },
    });
    at = nextMember(bytes, valueEnd);
  }
  return members;
}

/**
 * The items of an array inside validated bytes.
 * @param start - index of `[`
 * @throws {BridgeError} PARSE_ERROR when there is no array
 */
export function arrayItems(bytes: Buffer, start: number): Span[] {
  if (byteAt(bytes, start) !== OPEN_BRACKET)
    throw new BridgeError('PARSE_ERROR', `No array at byte ${start}`);
  const items: Span[] = [];
  let at = firstItem(bytes, start);
  while (at >= 0) {
    const end = skipValue(bytes, at, WALK_DEPTH);
    items.push({ start: at, end });
    at = nextItem(bytes, end);
  }
  return items;
}

/** The raw JSON of a span; `''` when it is absent. */
export function rawText(bytes: Buffer, span: Span): string {
  return span.start === -1 ? '' : bytes.toString('utf8', span.start, span.end);
}

/** The bytes of a span as a view, not a copy; empty when it is absent. */
export function rawBytes(bytes: Buffer, span: Span): Buffer {
  return span.start === -1 ? bytes.subarray(0, 0) : bytes.subarray(span.start, span.end);
}

/**
 * The raw JSON of an id in the one form that compares equal for equal ids: strings lose needless escapes.
 * Use it as a map key; echo the id as it came.
 */
export function canonicalId(bytes: Buffer, span: Span): string {
  const raw = rawText(bytes, span);
  if (!raw.includes('\\')) return raw;
  return JSON.stringify(JSON.parse(raw));
}

/**
 * The error of an error reply, its code, message and data kept (UPSTREAM_ERROR).
 * A member `error` that is not a JSON-RPC error becomes UPSTREAM_PROTOCOL.
 */
export function upstreamError(reply: Envelope): BridgeError {
  let code: number | undefined;
  let message: string | undefined;
  let data: string | undefined;
  for (const { key, value } of reply.error.start === -1
    ? []
    : objectMembers(reply.bytes, reply.error.start)) {
    const raw = rawText(reply.bytes, value);
    if (key === 'data') data = raw;
    else if (key === 'code' && /^-?\d{1,15}$/.test(raw)) code = Number(raw);
    else if (key === 'message' && raw.startsWith('"'))
      message = decodeString(reply.bytes, value.start, value.end);
  }
  if (code === undefined || message === undefined) {
    return new BridgeError(
      'UPSTREAM_PROTOCOL',
      'The server sent an error without an integer code and a message',
    );
  }
  return new BridgeError('UPSTREAM_ERROR', message, {
    rpcCode: code,
    ...(data === undefined ? {} : { data }),
  });
}
