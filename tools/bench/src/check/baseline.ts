import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../report/environment.js';
import type { Figures } from './verdict.js';

/** What the check compares with; committed. */
export interface Baseline {
  readonly recordedAt: string;
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  /** Ratios by what is measured. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Where the baseline lives unless the command line names another. */
export const BASELINE_FILE = fileURLToPath(new URL('../../baseline.json', import.meta.url));

/** @throws {Error} that says how to record one, when it is missing */
export async function loadBaseline(file: string): Promise<Baseline> {
  try {
    // Written by this tool, and reviewed.
    return JSON.parse(await readFile(file, 'utf8')) as Baseline;
  } catch (error) {
    throw new Error(`cannot read the baseline ${file}; record one with: npm run bench -- check --update`, {
      cause: error,
    });
  }
}

/** Records the figures as the new baseline, with four digits. */
export async function saveBaseline(file: string, figures: Figures, environment: Environment): Promise<void> {
  const baseline: Baseline = {
    recordedAt: environment.startedAt,
    commit: environment.commit,
    node: environment.node,
    cpu: environment.cpu,
    figures: Object.fromEntries(
      Object.entries(figures).map(([what, { value }]) => [what, Number(value.toPrecision(4))]),
    ),
  };
  await writeFile(file, `${JSON.stringify(baseline, null, 2)}\n`);
}
