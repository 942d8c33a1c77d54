import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root folder. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Folders that hold no source of ours; the same that `.gitignore` names. */
const SKIPPED = new Set(['.git', '.nx', 'coverage', 'dist', 'dist-bundle', 'node_modules']);

/** Text of a file, by its path from the root. */
export function readText(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

/** All files of the workspace, by their path from the root. Works without git, as in a container build. */
export function workspaceFiles(folder = ''): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const file = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? workspaceFiles(file) : [file];
  });
}
