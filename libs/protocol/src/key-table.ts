import { decodeString, equalsAscii } from './decode-string.js';
import { BridgeError } from './errors.js';

/** One key that a scan reads: where its value's span is recorded, and which keys inside the value are read too. */
export interface KeyEntry {
  readonly text: string;
  /** Index of a pair of numbers (start, end) in the scan's slots. */
  readonly slot: number;
  readonly nested: KeyTable | undefined;
}

/**
 * The keys that a scan reads in one kind of object. Looked up by bytes, so that a key costs no string.
 * Keys are ASCII without characters that JSON escapes.
 */
export interface KeyTable {
  /** For error messages: `params`, `params._meta`, … */
  readonly where: string;
  readonly byLength: readonly (readonly KeyEntry[] | undefined)[];
  readonly byFolded: ReadonlyMap<string, KeyEntry>;
  /** Refuse unknown keys that repeat or that look like `__proto__`. */
  readonly strict: boolean;
  /** Refuse keys that differ from a known one in case only. */
  readonly refuseCaseVariants: boolean;
}

export function createKeyTable(
  where: string,
  entries: readonly KeyEntry[],
  options: { strict?: boolean; refuseCaseVariants?: boolean } = {},
): KeyTable {
  const byLength: KeyEntry[][] = [];
  const longest = Math.max(...entries.map((entry) => entry.text.length));
  for (let length = 0; length <= longest; length++) {
    byLength.push(entries.filter((entry) => entry.text.length === length));
  }
  return {
    where,
    byLength: byLength.map((list) => (list.length === 0 ? undefined : list)),
    byFolded: new Map(entries.map((entry) => [foldCase(entry.text), entry])),
    strict: options.strict ?? false,
    refuseCaseVariants: options.refuseCaseVariants ?? false,
  };
}

/**
 * The entry of a key, or undefined for a key that nobody reads.
 * @param start - index of the key's opening quote
 * @param end - index after its closing quote
 * @throws {BridgeError} INVALID_REQUEST for a case variant of a known key, where the table refuses them
 */
export function findKey(table: KeyTable, bytes: Buffer, start: number, end: number): KeyEntry | undefined {
  const candidates = table.byLength[end - start - 2];
  if (candidates !== undefined) {
    for (const entry of candidates) {
      if (equalsAscii(bytes, start + 1, entry.text)) return entry;
    }
  }
  if (!isPlainAscii(bytes, start + 1, end - 1)) return findDecoded(table, decodeString(bytes, start, end));
  if (candidates !== undefined && table.refuseCaseVariants) {
    return findDecoded(table, bytes.toString('latin1', start + 1, end - 1));
  }
  return undefined;
}

function findDecoded(table: KeyTable, key: string): KeyEntry | undefined {
  const entry = table.byFolded.get(foldCase(key));
  if (entry === undefined || entry.text === key) return entry;
  if (!table.refuseCaseVariants) return undefined;
  // Some parsers (Go's encoding/json) match keys without regard to case: they would read this one instead.
  throw new BridgeError('INVALID_REQUEST', `A key of ${table.where} is a case variant of "${entry.text}"`);
}

/** Folds as the most lenient known parser does: ASCII case, long s and the Kelvin sign. */
function foldCase(key: string): string {
  return key.toLowerCase().replaceAll('\u017f', 's');
}

function isPlainAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const c = bytes[at];
    if (c === undefined || c === 0x5c || c >= 0x80) return false;
  }
  return true;
}
