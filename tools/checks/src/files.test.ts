import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readText, repositoryFiles, root } from './workspace.js';

/** Past this a file does more than one thing. */
const MAX_LINES = 400;

const files = repositoryFiles().filter((file) => existsSync(path.join(root, file)));
const source = files.filter((file) => /\.(ts|mjs)$/.test(file) && !/(^|\/)gen\//.test(file));

test(`no source file is longer than ${MAX_LINES} lines`, () => {
  const long = source
    .map((file) => ({ file, lines: readText(file).split('\n').length }))
    .filter(({ file, lines }) => lines > MAX_LINES && !file.endsWith('.test.ts'));
  expect(long).toEqual([]);
});

test('no folder or file is a bucket without a name', () => {
  const bucket = /(^|\/)(utils?|helpers?|common|misc|types)(\.ts)?(\/|$)/;
  expect(source.filter((file) => bucket.test(file))).toEqual([]);
});

test('files are kebab-case', () => {
  const kebab = /^[a-z0-9]+(?:[-.][a-z0-9]+)*\.(?:ts|mjs)$/;
  expect(source.filter((file) => !kebab.test(path.basename(file)))).toEqual([]);
});

test('the lockfile names no registry host', () => {
  const lock = readText('package-lock.json');
  expect(lock).not.toMatch(/"resolved":/);
  expect(lock).not.toMatch(/https?:\/\/[^"]*\/-\//);
  expect(readText('.npmrc')).not.toContain('registry=');
});

test('every workspace package is in the lockfile, tagged for Nx and referenced by the root build', () => {
  const lock = readText('package-lock.json');
  const references = readText('tsconfig.json');
  const projects = files
    .filter((file) => /^(apps|libs|tools)\/[^/]+\/package\.json$/.test(file))
    .map((file) => path.dirname(file));
  expect(projects.length).toBeGreaterThan(10);
  for (const project of projects) {
    expect(lock, project).toContain(`"${project}": {`);
    expect(JSON.parse(readText(`${project}/package.json`)).nx?.tags, project).toEqual(
      expect.arrayContaining([expect.stringMatching(/^type:/)]),
    );
    if (files.includes(`${project}/tsconfig.json`)) expect(references, project).toContain(`"${project}"`);
  }
});

test('every app and library has a README', () => {
  const projects = files.filter((file) => /^(apps|libs)\/[^/]+\/package\.json$/.test(file)).map(path.dirname);
  expect(projects.filter((project) => !files.includes(`${project}/README.md`))).toEqual([]);
});
