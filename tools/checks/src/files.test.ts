import path from 'node:path';
import { expect, test } from 'vitest';
import { readText, workspaceFiles } from './workspace.js';

/** Past this a file does more than one thing. */
const MAX_LINES = 400;

const files = workspaceFiles();
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
  // Workspace packages resolve to their folders; nothing else may say where it came from.
  const resolved = [...lock.matchAll(/"resolved": "([^"]*)"/g)].map((match) => match[1] ?? '');
  expect(resolved.filter((from) => !/^(apps|libs|tools)\/[\w/-]+$/.test(from))).toEqual([]);
  expect(readText('.npmrc')).not.toContain('registry=');
});

test('every workspace package is in the lockfile, tagged for Nx and referenced by the root build', () => {
  const lock = readText('package-lock.json');
  const references = readText('tsconfig.json');
  const projects = files
    .filter((file) => /^(apps|libs|tools)\/[^/]+\/package\.json$/.test(file))
    .map((file) => path.dirname(file))
    // The conformance suite needs another Node, so it has packages of its own.
    .filter((project) => !files.includes(`${project}/package-lock.json`));
  expect(projects.length).toBeGreaterThan(10);
  for (const project of projects) {
    expect(lock.includes(`"${project}": {`), project).toBe(true);
    expect(JSON.parse(readText(`${project}/package.json`)).nx?.tags, project).toEqual(
      expect.arrayContaining([expect.stringMatching(/^type:/)]),
    );
    expect(references.includes(`"${project}"`), project).toBe(true);
  }
});

test('every app and library has a README', () => {
  const projects = files.filter((file) => /^(apps|libs)\/[^/]+\/package\.json$/.test(file)).map(path.dirname);
  expect(projects.filter((project) => !files.includes(`${project}/README.md`))).toEqual([]);
});
