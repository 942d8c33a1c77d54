import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ToolConfig } from '@mcp-bridge/service';
import { matchesGlob } from '../catalog/glob.js';
import type { ToolFault } from './tool-fault.js';

/** What the operator decided over a module's own word. */
export interface ToolOverrides {
  readonly concurrency?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A module to load. */
export interface ToolFile {
  readonly file: string;
  readonly overrides: ToolOverrides;
}

/**
 * The files behind the configured paths, each once, in the order of the configuration. `*` and `?` match within one
 * segment of a path. A path that leads nowhere is that entry's fault alone.
 */
export function findToolFiles(entries: readonly ToolConfig[]): { files: ToolFile[]; faults: ToolFault[] } {
  const files = new Map<string, ToolFile>();
  const faults: ToolFault[] = [];
  for (const entry of entries) {
    const pattern = typeof entry === 'string' ? entry : entry.path;
    if (typeof entry !== 'string' && entry.disabled) continue;
    const overrides: ToolOverrides =
      typeof entry === 'string' ? {} : { concurrency: entry.concurrency, timeoutMs: entry.timeout };
    const found = expand(path.resolve(pattern));
    if (found.length === 0) {
      const reason = hasWildcard(pattern) ? 'no file matches' : 'there is no such file';
      faults.push({ source: pattern, code: 'MISSING', reason });
    }
    // Later entries say more: a file that a pattern found may be named again with options.
    for (const file of found)
      files.set(file, { file, overrides: { ...files.get(file)?.overrides, ...overrides } });
  }
  return { files: [...files.values()], faults };
}

function expand(pattern: string): string[] {
  const { root } = path.parse(pattern);
  let paths = [root];
  for (const segment of pattern.slice(root.length).split(path.sep)) {
    paths = hasWildcard(segment)
      ? paths.flatMap((folder) => matching(folder, segment))
      : paths.map((folder) => path.join(folder, segment));
  }
  return paths.filter(isFile);
}

function matching(folder: string, segment: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => matchesGlob(segment, name) && !name.startsWith('.'))
      .sort()
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function hasWildcard(text: string): boolean {
  return /[*?]/.test(text);
}
