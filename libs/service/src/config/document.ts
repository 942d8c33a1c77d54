import { readFileSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, type Document, isNode, parseDocument } from 'yaml';
import type { ConfigFault } from './faults.js';

/** A configuration file as read: its value, what is wrong with its syntax, and where each path stands. */
export interface ConfigDocument {
  readonly value: unknown;
  readonly faults: readonly ConfigFault[];
  /** `file:line:column` of a path, or of the nearest parent that is written down. */
  locate(path: readonly PropertyKey[]): string;
}

/** Reads a YAML (or JSON) file. Problems become faults, with line and column; nothing is thrown. */
export function readDocument(file: string): ConfigDocument {
  const name = path.basename(file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = `cannot read ${file} (${errorCode(error)})`;
    return { value: {}, faults: [{ source: '', path: '', reason }], locate: () => name };
  }
  const lines = new LineCounter();
  // prettyErrors would quote the offending line, which may hold a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const faults = document.errors.map((error) => ({
    source: at(error.pos[0]),
    path: '',
    reason: error.message,
  }));
  const locate = (where: readonly PropertyKey[]): string => {
    const offset = nearestOffset(document, where);
    return offset === undefined ? name : at(offset);
  };
  if (faults.length > 0) return { value: {}, faults, locate };
  // A file that is being written is empty for a moment; taken for a configuration it would end every server.
  if (text.trim() === '') {
    const reason = 'the file is empty; a configuration without any section is {}';
    return { value: {}, faults: [{ source: name, path: '', reason }], locate };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) ?? {}, faults, locate };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'cannot be read as YAML';
    return { value: {}, faults: [{ source: name, path: '', reason }], locate };
  }
}

function nearestOffset(document: Document, where: readonly PropertyKey[]): number | undefined {
  for (let length = where.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(where.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}

/** The system's word for why a file could not be read (`ENOENT`); never its content. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}
