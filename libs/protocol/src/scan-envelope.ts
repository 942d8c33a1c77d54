import { isUtf8 } from 'node:buffer';
import { buildEnvelope, isAcceptableId } from './build-envelope.js';
import type { Envelope } from './envelope.js';
import { BridgeError } from './errors.js';
import {
  byteAt,
  firstItem,
  nextItem,
  OPEN_BRACE,
  OPEN_BRACKET,
  refuse,
  skipValue,
  skipWhitespace,
} from './json-text.js';
import { recordMembers } from './record-members.js';
import { ENVELOPE, SLOT, SLOT_COUNT } from './slots.js';

export interface ScanLimits {
  /** Longest message (or batch) in bytes; 4 MiB unless told. */
  readonly maxBytes?: number;
  /** Deepest nesting of objects and arrays, the message itself being level 1; 128 unless told, at most 1 000. */
  readonly maxDepth?: number;
  /** Most messages in one batch; 100 unless told. */
  readonly maxBatch?: number;
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_DEPTH = 128;
const DEFAULT_MAX_BATCH = 100;
/** The scan recurses per level; this many frames fit the stack with room to spare. */
const MOST_DEPTH = 1000;

/** Scratch of the scan that is running; a scan is synchronous and calls nobody, so one is enough. */
const slots = new Int32Array(SLOT_COUNT * 2);

/**
 * Validates one whole JSON-RPC message, as strict RFC 8259 JSON in UTF-8, and finds in the same pass what routing
 * and policy need. Neither `params` nor `result` is materialised. `bytes` is kept, not copied: do not mutate it.
 *
 * Refused besides bad JSON: keys of the envelope, and keys that the bridge reads inside `params`, `result` and
 * `_meta`, that come twice (written plainly or with escapes), and keys of the request side that differ from one
 * of them in case only. So no two parsers on the way can understand a message differently.
 *
 * @throws {BridgeError} PARSE_ERROR - not JSON, not UTF-8, or a byte order mark
 * @throws {BridgeError} INVALID_REQUEST - JSON, but not a JSON-RPC 2.0 message as MCP has them
 * @throws {BridgeError} INVALID_PARAMS - a value that the bridge reads has the wrong type
 * @throws {BridgeError} PAYLOAD_TOO_LARGE - longer than `maxBytes`; nothing was read
 */
export function scanEnvelope(bytes: Buffer, limits: ScanLimits = {}): Envelope {
  checkText(bytes, limits);
  const start = skipWhitespace(bytes, 0);
  const end = recordMessage(bytes, start, limits);
  refuseTail(bytes, end);
  return buildEnvelope(bytes, start, end, slots);
}

/**
 * Validates text that is to become a value inside a message of our own: one JSON value, as strictly as `scanEnvelope`.
 *
 * @throws {BridgeError} PARSE_ERROR, PAYLOAD_TOO_LARGE, and INVALID_REQUEST when it nests too deeply
 */
export function checkJson(bytes: Buffer, limits: ScanLimits = {}): void {
  checkText(bytes, limits);
  refuseTail(bytes, skipValue(bytes, skipWhitespace(bytes, 0), depthOf(limits)));
}

/** True when the message's first byte opens an array: a batch, for `scanMessages`. */
export function isBatch(bytes: Buffer): boolean {
  return byteAt(bytes, skipWhitespace(bytes, 0)) === OPEN_BRACKET;
}

/**
 * Scans a JSON-RPC batch; the envelopes share `bytes`. One bad message refuses the whole batch.
 *
 * @throws {BridgeError} as `scanEnvelope`, and INVALID_REQUEST for an empty or too long batch
 */
export function scanMessages(bytes: Buffer, limits: ScanLimits = {}): Envelope[] {
  checkText(bytes, limits);
  const maxBatch = limits.maxBatch ?? DEFAULT_MAX_BATCH;
  const start = skipWhitespace(bytes, 0);
  if (byteAt(bytes, start) !== OPEN_BRACKET)
    throw new BridgeError('INVALID_REQUEST', 'A batch must be an array');
  const envelopes: Envelope[] = [];
  let at = firstItem(bytes, start);
  while (at >= 0) {
    if (envelopes.length === maxBatch) {
      throw new BridgeError('INVALID_REQUEST', `A batch may hold ${maxBatch} messages; send several`);
    }
    const end = recordMessage(bytes, at, limits);
    envelopes.push(buildEnvelope(bytes, at, end, slots));
    at = nextItem(bytes, end);
  }
  refuseTail(bytes, ~at);
  if (envelopes.length === 0) throw new BridgeError('INVALID_REQUEST', 'The batch is empty');
  return envelopes;
}

/**
 * The raw id of a message that a scan refused, for the error reply (`request`) or to fail the call that it should
 * have answered (`reply`); undefined when it cannot be told, or when the message is of the other sort. Do not call
 * it after PAYLOAD_TOO_LARGE: it reads the message up to the fault.
 */
export function readableId(bytes: Buffer, sort: 'request' | 'reply' = 'request'): string | undefined {
  const start = skipWhitespace(bytes, 0);
  if (byteAt(bytes, start) !== OPEN_BRACE || !isUtf8(bytes)) return undefined;
  slots.fill(-1);
  try {
    recordMembers(bytes, start, ENVELOPE, slots, DEFAULT_MAX_DEPTH);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
  }
  const isReply = slots[SLOT.result * 2] !== -1 || slots[SLOT.error * 2] !== -1;
  const idEnd = slots[SLOT.id * 2 + 1] ?? -1;
  // A number that the text ends in may have lost its last digits.
  if (idEnd === -1 || idEnd === bytes.length || isReply !== (sort === 'reply')) return undefined;
  const id = { start: slots[SLOT.id * 2] ?? -1, end: idEnd };
  return isAcceptableId(bytes, id) ? bytes.toString('utf8', id.start, id.end) : undefined;
}

function checkText(bytes: Buffer, limits: ScanLimits): void {
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
  if (bytes.length > maxBytes) {
    throw new BridgeError(
      'PAYLOAD_TOO_LARGE',
      `The message has ${bytes.length} bytes; the limit is ${maxBytes}`,
    );
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new BridgeError('PARSE_ERROR', 'The message begins with a byte order mark; send UTF-8 without one');
  }
  if (!isUtf8(bytes)) throw new BridgeError('PARSE_ERROR', 'The message is not valid UTF-8');
}

/**
 * Validates one message and records its spans in `slots`; returns the index after it. What is no object is read
 * to its end too, so that bad JSON is told from JSON that is no message.
 */
function recordMessage(bytes: Buffer, start: number, limits: ScanLimits): number {
  const depth = depthOf(limits);
  slots.fill(-1);
  return byteAt(bytes, start) === OPEN_BRACE
    ? recordMembers(bytes, start, ENVELOPE, slots, depth)
    : skipValue(bytes, start, depth);
}

function depthOf({ maxDepth = DEFAULT_MAX_DEPTH }: ScanLimits): number {
  return Math.min(maxDepth, MOST_DEPTH);
}

function refuseTail(bytes: Buffer, end: number): void {
  const at = skipWhitespace(bytes, end);
  if (at !== bytes.length) refuse(at, 'there is text after the message');
}
