import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readText, root, workspaceFiles } from './workspace.js';
import path from 'node:path';

interface Requirement {
  readonly number: number;
  readonly status: string;
  /** `project:file › name of the test`, as the table has them. */
  readonly shownBy: string[];
}

const section = readText('libs/protocol/README.md').split('\n## Requirements\n')[1] ?? '';
const testFiles = workspaceFiles().filter((file) => /^(apps|libs)\/.*\.test\.ts$/.test(file));
/** The suite's own code, where it is installed: it names its scenarios. */
const SUITE = path.join(
  root,
  'tools/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js',
);

/** Rows with a number are requirements, the rows below one are its tests. */
function readTable(): Requirement[] {
  const requirements: Requirement[] = [];
  for (const line of section
    .split('\n')
    .filter((text) => text.startsWith('|'))
    .slice(2)) {
    const [number = '', text = '', status = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (number === '') requirements.at(-1)?.shownBy.push(text);
    else requirements.push({ number: Number(number), status, shownBy: [] });
  }
  return requirements;
}

/** The test file that `project:file` names; without a project, one of the protocol library. */
function fileOf(reference: string): string {
  const [project, name] = reference.includes(':') ? reference.split(':') : ['protocol', reference];
  const found = testFiles.filter(
    (file) => /^[a-z]+\/([^/]+)\//.exec(file)?.[1] === project && file.endsWith(`/${name}.test.ts`),
  );
  expect(found, `${reference} should be one file`).toHaveLength(1);
  return found[0] ?? '';
}

/** Whether a test of this name is declared: `test('name', …`, `it.each(…)("name", …`. */
function declares(file: string, name: string): boolean {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/'/g, "\\\\?'");
  return new RegExp(`\\(\\s*(['"\`])${literal}\\1,`).test(readText(file));
}

test('the table has every requirement once, in order, with a status', () => {
  const table = readTable();
  expect(table.map(({ number }) => number)).toEqual(Array.from({ length: 72 }, (_, index) => index + 1));
  for (const { number, status, shownBy } of table) {
    expect(['shown', 'in part', 'not yet'], `status of ${number}`).toContain(status);
    expect(shownBy.length > 0, `tests of ${number}`).toBe(status !== 'not yet');
  }
  const count = (wanted: string): number => table.filter(({ status }) => status === wanted).length;
  expect(section.replace(/\s+/g, ' ')).toContain(
    `${count('shown')} are shown, ${count('in part')} in part, ${count('not yet')} not yet`,
  );
});

test('what is missing of a requirement is said below the table', () => {
  const missing = section.split('What is missing:')[1] ?? '';
  const named = [...missing.matchAll(/^- \*\*([\d, ]+)\*\*:/gm)].flatMap((match) =>
    (match[1] ?? '').split(', ').map(Number),
  );
  const incomplete = readTable().filter(({ status }) => status !== 'shown');
  expect(named).toEqual(incomplete.map(({ number }) => number));
});

test('every test that the table names exists in the file that it names', () => {
  const references = readTable().flatMap(({ shownBy }) => shownBy);
  const missing = references.filter((reference) => {
    const [, file = '', name = ''] = /^`([^`]+)` › (.+)$/.exec(reference) ?? [];
    expect(name, reference).not.toBe('');
    if (file !== 'suite') return !declares(fileOf(file), name);
    return existsSync(SUITE) && !readText(path.relative(root, SUITE)).includes(`\`${name}\``);
  });
  expect(missing).toEqual([]);
});
