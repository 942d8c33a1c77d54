import { readFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode } from './document.js';
import type { PathFault } from './faults.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Resolved {
  readonly value: unknown;
  readonly faults: readonly PathFault[];
  /** What the references stood for: blanked out of the log. */
  readonly secrets: readonly string[];
  /** The files that were read for them. */
  readonly files: readonly string[];
}

const REFERENCE = /\$\$\{|\$\{(env|file):([^}]*)\}/g;

/**
 * Replaces `${env:NAME}` and `${file:PATH}` in every string, which is how secrets enter a configuration:
 * the file itself need not hold any. `$${` stands for a literal `${`. Files lose their final line break.
 *
 * @param directory - what relative paths are relative to
 */
export function resolveReferences(value: unknown, env: Environment, directory: string): Resolved {
  const faults: PathFault[] = [];
  const secrets: string[] = [];
  const files: string[] = [];
  const lookUp = (kind: string, name: string): string | undefined => {
    if (kind === 'env') return env[name];
    const file = path.resolve(directory, name);
    files.push(file);
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  };
  const inString = (text: string, at: readonly PropertyKey[]): string =>
    text.replace(REFERENCE, (whole, kind: string | undefined, name: string) => {
      if (kind === undefined) return '${';
      try {
        const found = lookUp(kind, name);
        if (found !== undefined) {
          secrets.push(found);
          return found;
        }
        faults.push({ path: at, reason: `the environment variable ${name} is not set` });
      } catch (error) {
        faults.push({ path: at, reason: `cannot read the file ${name} (${errorCode(error)})` });
      }
      return whole;
    });
  return { value: mapStrings(value, inString), faults, secrets, files };
}

/**
 * Client configurations use `${NAME}` and `${NAME:-fallback}`. A name that is not set and has no fallback
 * stays as it is, because it may be meant for the server itself.
 */
export function resolveShellStyle(value: unknown, env: Environment): unknown {
  return mapStrings(value, (text) =>
    text.replace(
      /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
      (whole, name: string, fallback: string | undefined) => env[name] ?? fallback ?? whole,
    ),
  );
}

/** Makes relative file names absolute, in every field that names a file or folder of this machine. */
export function resolvePaths(value: unknown, directory: string): unknown {
  return mapStrings(value, (text, at) => {
    const field = String(at.at(-1));
    const free = at.includes('env') || at.includes('headers') || at.includes('args');
    const isTool = at[0] === 'tools' && (at.length === 2 || field === 'path');
    const isPath = isTool || (!free && (field === 'cwd' || field.endsWith('File')));
    return isPath ? path.resolve(directory, text) : text;
  });
}

type StringMapper = (text: string, at: readonly PropertyKey[]) => string;

function mapStrings(value: unknown, map: StringMapper, at: readonly PropertyKey[] = []): unknown {
  if (typeof value === 'string') return map(value, at);
  if (Array.isArray(value)) return value.map((item, index) => mapStrings(item, map, [...at, index]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapStrings(item, map, [...at, key])]),
  );
}
