import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
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
  readonly warnings: readonly Finding[];
  readonly skipped: readonly Finding[];
}

/**
 * Reads what the suite wrote under `folder`: one folder per scenario, named `server-<scenario>-<time>`.
 * A scenario without a file has failed.
 */
export function readSuiteResults(
  folder: string,
  scenarios: ReadonlyMap<string, ScenarioKind>,
): ScenarioResult[] {
  const folders = existsSync(folder) ? readdirSync(folder) : [];
  return [...scenarios].map(([name, kind]) => {
    const found = folders.find(
      (entry) => entry.replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '') === `server-${name}`,
    );
    const file = found === undefined ? undefined : join(folder, found, 'checks.json');
    if (file === undefined || !existsSync(file)) return withoutReport(name, kind);
    const checks = Checks.parse(JSON.parse(readFileSync(file, 'utf8')));
    const of = (status: string): Finding[] =>
      checks
        .filter((check) => check.status === status)
        .map(({ id, errorMessage }) => ({ check: id, message: errorMessage ?? '' }));
    const failures = of('FAILURE');
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

function withoutReport(name: string, kind: ScenarioKind): ScenarioResult {
  const failures = [
    { check: 'report', message: 'the scenario reported nothing: it did not run or broke off' },
  ];
  return { name, kind, passed: false, checksPassed: 0, checksFailed: 1, failures, warnings: [], skipped: [] };
}
