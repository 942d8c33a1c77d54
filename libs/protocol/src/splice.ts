import { BridgeError, errorMember } from './errors.js';
import type { Span } from './envelope.js';
import { firstMember } from './json-text.js';

/** Replaces `[start, end)` by `text`; an empty range inserts. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string | Buffer;
}

/**
 * Applies edits to bytes in one copy. Nothing is parsed: the caller keeps the JSON whole.
 *
 * @param edits - sorted by `start`, not overlapping; several insertions at one place appear in their order
 * @throws {BridgeError} INTERNAL when they are not
 */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  let size = bytes.length;
  let from = 0;
  for (const edit of edits) {
    if (edit.start < from || edit.end < edit.start || edit.end > bytes.length) {
      throw new BridgeError(
        'INTERNAL',
        'splice: edits must be sorted, apart from each other and inside the bytes',
      );
    }
    size += sizeOf(edit.text) - (edit.end - edit.start);
    from = edit.end;
  }
  const target = Buffer.allocUnsafe(size);
  let at = 0;
  from = 0;
  for (const edit of edits) {
    at += bytes.copy(target, at, from, edit.start);
    at += put(target, at, edit.text);
    from = edit.end;
  }
  bytes.copy(target, at, from);
  return target;
}

/** `splice` with a single edit. */
export function replaceSpan(bytes: Buffer, span: Span, text: string | Buffer): Buffer {
  return splice(bytes, [{ start: span.start, end: span.end, text }]);
}

/**
 * The edit that puts members at the front of an object. Two such edits for one object would lack a comma when
 * the object is empty: give all members to one.
 *
 * @param start - index of the object's `{`
 * @param members - raw members, `"a":1,"b":2`; the caller knows that the object lacks these keys
 */
export function insertion(bytes: Buffer, start: number, members: string): Edit {
  const isEmpty = firstMember(bytes, start) < 0;
  return { start: start + 1, end: start + 1, text: isEmpty ? members : `${members},` };
}

/** Adds a member at the front of an object; the caller knows that the object lacks this key. */
export function insertKey(objectBytes: Buffer, key: string, rawValue: string): Buffer {
  return splice(objectBytes, [
    insertion(objectBytes, objectBytes.indexOf(0x7b), `${JSON.stringify(key)}:${rawValue}`),
  ]);
}

/** What stands in front of the raw JSON of a result; a closing brace follows it. */
export function resultHead(idRaw: string): string {
  return `{"jsonrpc":"2.0","id":${idRaw},"result":`;
}

/** A whole reply around the raw JSON of a result. */
export function resultReply(idRaw: string, result: Buffer): Buffer {
  return wrap(resultHead(idRaw), result);
}

/**
 * Writes `resultReply` into memory that is there already.
 * @returns how many bytes it takes, -1 when there may be too few
 */
export function writeResultReply(target: Buffer, idRaw: string, result: Buffer): number {
  const head = resultHead(idRaw);
  // A character takes three bytes at most.
  if (3 * head.length + result.length + 1 > target.length) return -1;
  let at = target.write(head, 0, 'utf8');
  target.set(result, at);
  at += result.length;
  target[at] = 0x7d;
  return at + 1;
}

/** A whole error reply; without an id the member is left out. */
export function errorReply(idRaw: string | undefined, error: BridgeError): Buffer {
  const id = idRaw === undefined ? '' : `"id":${idRaw},`;
  return Buffer.from(`{"jsonrpc":"2.0",${id}"error":${errorMember(error)}}`, 'utf8');
}

/** A whole notification around the raw JSON of its params. */
export function notificationMessage(method: string, params: Buffer): Buffer {
  return wrap(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":`, params);
}

/** A whole request around the raw JSON of its params. */
export function requestMessage(idRaw: string, method: string, params: Buffer): Buffer {
  return wrap(`{"jsonrpc":"2.0","id":${idRaw},"method":${JSON.stringify(method)},"params":`, params);
}

/** `head`, the value and a closing brace, in one allocation. */
function wrap(head: string, value: Buffer): Buffer {
  const headSize = Buffer.byteLength(head, 'utf8');
  const target = Buffer.allocUnsafe(headSize + value.length + 1);
  target.write(head, 0, 'utf8');
  value.copy(target, headSize);
  target[headSize + value.length] = 0x7d;
  return target;
}

function sizeOf(text: string | Buffer): number {
  return typeof text === 'string' ? Buffer.byteLength(text, 'utf8') : text.length;
}

function put(target: Buffer, at: number, text: string | Buffer): number {
  return typeof text === 'string' ? target.write(text, at, 'utf8') : text.copy(target, at);
}
