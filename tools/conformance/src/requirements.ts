import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Revision, RunPlan } from './options.js';

/** Why a scenario runs: only the scored ones decide. */
export type ScenarioKind = 'scored' | 'extension' | 'pending' | 'added-after-release';

const RequirementsFile = z.object({
  server: z.array(z.string()),
  client: z.array(z.string()),
  not_scored: z
    .array(
      z.object({
        scenario: z.string(),
        leg: z.string(),
        reason: z.enum(['extension', 'pending', 'added-after-release']),
      }),
    )
    .default([]),
});

/** Reads the suite's own list of the scenarios that a revision runs for one leg, in its order. */
export function readRequirements(
  folder: string,
  revision: Revision,
  leg: RunPlan['leg'],
): ReadonlyMap<string, ScenarioKind> {
  const file = RequirementsFile.parse(parse(readFileSync(join(folder, `${revision}.yaml`), 'utf8')));
  return new Map<string, ScenarioKind>([
    ...file[leg].map((name) => [name, 'scored'] as const),
    ...file.not_scored
      .filter((entry) => entry.leg === leg)
      .map(({ scenario, reason }) => [scenario, reason] as const),
  ]);
}
