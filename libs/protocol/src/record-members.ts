import { decodeString } from './decode-string.js';
import { BridgeError } from './errors.js';
import {
  firstMember,
  nextMember,
  OPEN_BRACE,
  refuseDepth,
  skipColon,
  skipString,
  skipValue,
} from './json-text.js';
import { findKey, type KeyTable } from './key-table.js';

/** Objects that are read key by key may have this many members; others are bounded by the message's size. */
const MAX_MEMBERS = 1024;

/**
 * Validates an object and notes in `slots` where the values of the table's keys lie, in the same pass.
 *
 * @param start - index of `{`
 * @param slots - pairs of (start, end), -1 where nothing was seen; an end of -1 marks a value that was not finished
 * @returns the index after `}`
 * @throws {BridgeError} PARSE_ERROR, or INVALID_REQUEST for a duplicate key, too many keys or too deep nesting
 */
export function recordMembers(
  bytes: Buffer,
  start: number,
  table: KeyTable,
  slots: Int32Array,
  depthLeft: number,
): number {
  if (depthLeft <= 0) refuseDepth(start);
  let unknown: Set<string> | undefined;
  let members = 0;
  let at = firstMember(bytes, start);
  while (at >= 0) {
    if (++members > MAX_MEMBERS) {
      throw new BridgeError('INVALID_REQUEST', `More than ${MAX_MEMBERS} keys in ${table.where}`);
    }
    const keyEnd = skipString(bytes, at);
    const valueStart = skipColon(bytes, keyEnd);
    const entry = findKey(table, bytes, at, keyEnd);
    let valueEnd: number;
    if (entry === undefined) {
      if (table.strict) {
        unknown ??= new Set();
        addUnknown(unknown, decodeString(bytes, at, keyEnd), table);
      }
      valueEnd = skipValue(bytes, valueStart, depthLeft - 1);
    } else {
      const slot = entry.slot << 1;
      if (slots[slot] !== -1) {
        throw new BridgeError('INVALID_REQUEST', `Duplicate key "${entry.text}" in ${table.where}`);
      }
      slots[slot] = valueStart;
      valueEnd =
        entry.nested !== undefined && bytes[valueStart] === OPEN_BRACE
          ? recordMembers(bytes, valueStart, entry.nested, slots, depthLeft - 1)
          : skipValue(bytes, valueStart, depthLeft - 1);
      slots[slot + 1] = valueEnd;
    }
    at = nextMember(bytes, valueEnd);
  }
  return ~at;
}

function addUnknown(seen: Set<string>, key: string, table: KeyTable): void {
  if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
    throw new BridgeError('INVALID_REQUEST', `The key "${key}" is not allowed in ${table.where}`);
  }
  if (seen.has(key)) throw new BridgeError('INVALID_REQUEST', `Duplicate unknown key in ${table.where}`);
  seen.add(key);
}
