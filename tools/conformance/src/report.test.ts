import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTempFolder } from '@mcp-bridge/testkit';
import { describe, expect, it } from 'vitest';
import type { RunPlan } from './options.js';
import { formatFindings, formatTable, isGood, type RunResult } from './report.js';
import type { ScenarioKind } from './requirements.js';
import { readSuiteResults } from './suite-results.js';

const PLAN: RunPlan = { revision: '2026-07-28', topology: 'two', upstream: 'stdio', era: 'legacy' };
const ELICITATION = 'input-required-result-basic-elicitation';
const KINDS = new Map<string, ScenarioKind>([
  ['ping', 'scored'],
  ['tools-list', 'scored'],
  ['tasks-lifecycle', 'extension'],
]);

type Checks = Record<string, { id: string; status: string; errorMessage?: string }[]>;

async function runOf(checks: Checks, kinds = KINDS): Promise<RunResult> {
  await using folder = await createTempFolder();
  for (const [name, entries] of Object.entries(checks)) {
    const path = join(folder.path, `server-${name}-2026-11-21T09-38-30-123Z`);
    await mkdir(path);
    await writeFile(join(path, 'checks.json'), JSON.stringify(entries));
  }
  return { plan: PLAN, scenarios: readSuiteResults(folder.path, kinds), durationMs: 1234, leftBehind: 0 };
}

const GOOD = [{ id: 'a', status: 'SUCCESS' }];
const BAD = [...GOOD, { id: 'b', status: 'FAILURE', errorMessage: 'expected\n 404' }];

describe('a report', () => {
  it('counts scenarios by kind, and checks', async () => {
    const run = await runOf({ ping: GOOD, 'tools-list': BAD, 'tasks-lifecycle': GOOD });
    expect(formatTable([run]).split('\n')[1]).toBe(
      '2026-07-28  two        stdio     legacy  1/2     1/1        –      3/4 of 196  0         1.2',
    );
    expect(formatFindings([run], { verbose: false })).toContain(
      '✗ tools-list (scored)\n      b: expected 404',
    );
    expect(isGood(run, false)).toBe(false);
  });

  it('fails a scenario that reported nothing', async () => {
    const run = await runOf({ ping: GOOD, 'tasks-lifecycle': GOOD });
    expect(isGood(run, false)).toBe(false);
    expect(formatFindings([run], { verbose: false })).toContain('tools-list (scored)');
  });

  it('is good when only an extension failed, and says why it cannot pass', async () => {
    const run = await runOf({ ping: GOOD, 'tools-list': GOOD, 'tasks-lifecycle': BAD });
    expect(isGood(run, false)).toBe(true);
    expect(isGood({ ...run, plan: { ...PLAN, era: 'modern' } }, true)).toBe(false);
    expect(formatFindings([run], { verbose: false })).toContain(
      '– tasks-lifecycle (extension): a server of before',
    );
  });

  it('excuses exactly the check of a scored scenario that cannot exist for a pair', async () => {
    const kinds = new Map<string, ScenarioKind>([[ELICITATION, 'scored']]);
    const named = { id: 'sep-2322-elicitation-incomplete', status: 'FAILURE' };
    const excused = await runOf({ [ELICITATION]: [named] }, kinds);
    expect(isGood(excused, false)).toBe(true);
    expect(formatTable([excused])).toContain('0/1 (1 impossible)');
    expect(formatFindings([excused], { verbose: false })).toContain(
      `– ${ELICITATION} (scored): the suite wants`,
    );
    const worse = await runOf({ [ELICITATION]: [named, { id: 'other', status: 'FAILURE' }] }, kinds);
    expect(isGood(worse, false)).toBe(false);
    expect(isGood({ ...excused, plan: { ...PLAN, era: 'modern' } }, false)).toBe(false);
  });

  it('is not good when a process outlived its service or nothing ran', async () => {
    const run = await runOf({ ping: GOOD, 'tools-list': GOOD, 'tasks-lifecycle': GOOD });
    expect(isGood(run, false)).toBe(true);
    expect(isGood({ ...run, leftBehind: 1 }, false)).toBe(false);
    expect(isGood({ ...run, error: 'no start' }, false)).toBe(false);
    expect(formatFindings([{ ...run, leftBehind: 1 }], { verbose: false })).toContain(
      '1 process(es) outlived',
    );
  });

  it('prints warnings only when asked', async () => {
    const run = await runOf({
      ping: [...GOOD, { id: 'w', status: 'WARNING', errorMessage: 'should' }],
      'tools-list': GOOD,
      'tasks-lifecycle': GOOD,
    });
    expect(formatFindings([run], { verbose: false })).toBe('');
    expect(formatFindings([run], { verbose: true })).toContain('! ping: w: should');
  });
});
