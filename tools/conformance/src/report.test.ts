import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTempFolder } from '@mcp-bridge/testkit';
import { describe, expect, it } from 'vitest';
import type { RunPlan } from './options.js';
import { withSecondResults, worthRepeating } from './repeat.js';
import { formatFindings, formatTable, isGood, type RunResult } from './report.js';
import type { ScenarioKind } from './requirements.js';
import { readSuiteResults } from './suite-results.js';

const PLAN: RunPlan = {
  leg: 'server',
  revision: '2026-07-28',
  transport: 'http',
  topology: 'two',
  upstream: 'stdio',
  era: 'legacy',
};
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
  return {
    plan: PLAN,
    scenarios: readSuiteResults(folder.path, kinds),
    notRun: [],
    durationMs: 1234,
    leftBehind: 0,
  };
}

const GOOD = [{ id: 'a', status: 'SUCCESS' }];
const BAD = [...GOOD, { id: 'b', status: 'FAILURE', errorMessage: 'expected\n 404' }];

describe('a report', () => {
  it('counts scenarios by kind, and checks', async () => {
    const run = await runOf({ ping: GOOD, 'tools-list': BAD, 'tasks-lifecycle': GOOD });
    expect(formatTable([run]).split('\n')[1]).toBe(
      'server     2026-07-28    http  two        stdio     legacy     1/2     1/1        –      3/4 of 196  0         1.2',
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

  it('excuses what is about headers of HTTP where there are none, and nothing else', async () => {
    const kinds = new Map<string, ScenarioKind>([['server-stateless', 'scored']]);
    const run = await runOf(
      { 'server-stateless': [{ id: 'sep-2575-http-server-header-mismatch-400', status: 'FAILURE' }] },
      kinds,
    );
    const over = (transport: RunPlan['transport']): RunResult => ({ ...run, plan: { ...PLAN, transport } });
    expect(isGood(over('http'), false)).toBe(false);
    expect(isGood(over('tcp-framed'), false)).toBe(true);
    expect(formatFindings([over('tcp-framed')], { verbose: false })).toContain('there is only the body');
    const other = await runOf({ 'server-stateless': BAD }, kinds);
    expect(isGood({ ...other, plan: { ...PLAN, transport: 'tcp-framed' } }, false)).toBe(false);
  });

  it('fails a client scenario whose client did not come to its end, with what it said', async () => {
    await using folder = await createTempFolder();
    const write = async (name: string, stdout: string): Promise<void> => {
      const path = join(folder.path, `${name}-2026-11-21T09-38-30-123Z`);
      await mkdir(path);
      await writeFile(join(path, 'checks.json'), JSON.stringify(GOOD));
      await writeFile(join(path, 'stdout.txt'), stdout);
      await writeFile(join(path, 'stderr.txt'), 'it broke');
    };
    await write('initialize', 'client finished\n{"level":"info"}\n');
    await write('tools_call', '{"level":"info"}\n');
    const kinds = new Map<string, ScenarioKind>([
      ['initialize', 'scored'],
      ['tools_call', 'scored'],
    ]);
    const [whole, broken] = readSuiteResults(folder.path, kinds, '');
    expect(whole).toMatchObject({ passed: true, failures: [] });
    expect(broken).toMatchObject({
      passed: false,
      failures: [{ check: 'client', message: 'it broke' }],
    });
  });

  it('takes the second result of a scored scenario that was repeated alone, and says so', async () => {
    const first = await runOf({ ping: BAD, 'tools-list': GOOD, 'tasks-lifecycle': BAD });
    expect(worthRepeating(first)).toEqual(['ping']);
    const second = await runOf({ ping: GOOD }, new Map([['ping', 'scored']]));
    const run = withSecondResults(first, second.scenarios);
    expect(isGood(run, false)).toBe(true);
    expect(formatTable([run])).toContain('2/2');
    expect(formatFindings([run], { verbose: false })).toContain(
      '↻ ping (scored): passed when repeated alone; at first\n      b: expected 404',
    );
    expect(isGood(withSecondResults(first, first.scenarios), false)).toBe(false);
  });

  it('repeats nothing of a run where much failed', async () => {
    const kinds = new Map<string, ScenarioKind>(['a', 'b', 'c', 'd'].map((name) => [name, 'scored']));
    expect(worthRepeating(await runOf({ a: BAD, b: BAD, c: BAD, d: BAD }, kinds))).toEqual([]);
  });

  it('lists what is not run at all', async () => {
    const run = {
      ...(await runOf({ ping: GOOD, 'tools-list': GOOD, 'tasks-lifecycle': GOOD })),
      notRun: ['auth/x'],
    };
    expect(formatFindings([run], { verbose: false })).toContain('– 1 scenarios of authorization not run');
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
