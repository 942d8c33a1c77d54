import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FINISHED } from './client-leg/finished.js';
import type { ScenarioKind } from './requirements.js';

const Checks = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }));

/** A check that did not pass. */
export interface Finding {
  readonly check: string;
  readonly message: string;
}

/** What one scenario found. */
export interface ScenarioResult {
  readonly name: string;
  readonly kind: ScenarioKind;
  /** No check failed, and the scenario did report. */
  readonly passed: boolean;
  readonly checksPassed: number;
  readonly checksFailed: number;
  readonly failures: readonly Finding[];
  /** Of a scenario that was repeated: why it failed at first. */
  readonly firstFailures?: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly skipped: readonly Finding[];
}

/**
 * Reads what the suite wrote under `folder`: one folder per scenario, named `<prefix><scenario>-<time>`.
 * A scenario without a file has failed.
 */
export function readSuiteResults(
  folder: string,
  scenarios: ReadonlyMap<string, ScenarioKind>,
  prefix: 'server-' | '' = 'server-',
): ScenarioResult[] {
  const folders = existsSync(folder) ? readdirSync(folder) : [];
  return [...scenarios].map(([name, kind]) => {
    const found = folders.find(
      (entry) => entry.replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '') === `${prefix}${name}`,
    );
    const path = found === undefined ? undefined : join(folder, found);
    const file = path === undefined ? undefined : join(path, 'checks.json');
    if (path === undefined || file === undefined || !existsSync(file)) return withoutReport(name, kind);
    const checks = Checks.parse(JSON.parse(readFileSync(file, 'utf8')));
    const of = (status: string): Finding[] =>
      checks
        .filter((check) => check.status === status)
        .map(({ id, errorMessage }) => ({ check: id, message: errorMessage ?? '' }));
    const failures = [...of('FAILURE'), ...unfinishedClient(path)];
    return {
      name,
      kind,
      passed: failures.length === 0,
      checksPassed: of('SUCCESS').length,
      checksFailed: failures.length,
      failures,
      warnings: of('WARNING'),
      skipped: of('SKIPPED'),
    };
  });
}

/** What the client that the suite ran in a client scenario says of itself; its exit code alone fails no scenario. */
function unfinishedClient(path: string): Finding[] {
  const output = join(path, 'stdout.txt');
  if (!existsSync(output) || readFileSync(output, 'utf8').split('\n').includes(FINISHED)) return [];
  const errors = readFileSync(join(path, 'stderr.txt'), 'utf8').trim();
  return [{ check: 'client', message: errors === '' ? 'the client was stopped before its end' : errors }];
}

function withoutReport(name: string, kind: ScenarioKind): ScenarioResult {
  const failures = [
    { check: 'report', message: 'the scenario reported nothing: it did not run or broke off' },
  ];
  return { name, kind, passed: false, checksPassed: 0, checksFailed: 1, failures, warnings: [], skipped: [] };
}
