import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from './environment.js';

/** One run, as one line of the history file. */
export interface HistoryEntry {
  readonly at: string;
  readonly commit: string;
  readonly isModified: boolean;
  readonly node: string;
  readonly cpu: string;
  /** Ratios and goals by what they are; never absolute times, which no two machines share. */
  readonly figures: Readonly<Record<string, number>>;
}

export function historyEntry(
  environment: Environment,
  figures: Readonly<Record<string, number>>,
): HistoryEntry {
  const { startedAt, commit, isModified, node, cpu } = environment;
  // JSON has no NaN.
  const measured = Object.entries(figures).filter(([, value]) => Number.isFinite(value));
  return { at: startedAt, commit, isModified, node, cpu, figures: Object.fromEntries(measured) };
}

/** Adds a line; the folder is made where it is missing. */
export async function appendHistory(file: string, entry: HistoryEntry): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await appendFile(file, `${JSON.stringify(entry)}\n`);
}

/** All runs, oldest first; none when there is no file. A line that was cut off is passed over. */
export async function loadHistory(file: string): Promise<HistoryEntry[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      // Written by this tool.
      return [JSON.parse(line) as HistoryEntry];
    } catch {
      return [];
    }
  });
}
