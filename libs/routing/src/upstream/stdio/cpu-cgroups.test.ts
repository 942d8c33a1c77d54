import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createTempFolder } from '@mcp-bridge/testkit';
import { CpuCgroups } from './cpu-cgroups.js';

function loggedInto(lines: string[]): pino.Logger {
  const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
    lines.push(chunk.toString());
    done();
  };
  return pino(new Writable({ write }));
}

/** The files as the kernel shows them; what it makes of them only a machine with delegated cgroups can tell. */
test('gives each process a cgroup with its share of the cores', async () => {
  await using mount = await createTempFolder();
  const lines: string[] = [];
  const base = join(mount.path, 'bridge.service');
  await mkdir(base);
  await writeFile(join(base, 'cgroup.controllers'), 'cpuset cpu io memory\n');
  const ownCgroupFile = await mount.write('self', '4:memory:/elsewhere\n0::/bridge.service\n');
  const cgroups = new CpuCgroups({ log: loggedInto(lines), mount: mount.path, ownCgroupFile });
  cgroups.limit('files', 4711, 0.5);
  cgroups.limit('files', 4712, 2);
  const folder = join(base, `mcp-bridge-${process.pid}`);
  const shown = async (...names: string[]): Promise<string> => readFile(join(folder, ...names), 'utf8');
  expect(await readFile(join(base, 'cgroup.subtree_control'), 'utf8')).toBe('+cpu');
  expect(await shown('cgroup.subtree_control')).toBe('+cpu');
  expect(await shown('files-4711', 'cpu.max')).toBe('50000 100000');
  expect(await shown('files-4711', 'cgroup.procs')).toBe('4711');
  expect(await shown('files-4712', 'cpu.max')).toBe('200000 100000');
  expect(lines).toEqual([]);
});

test.each([
  ['no cgroup v2', '4:memory:/elsewhere\n', 'cpu'],
  ['no cpu controller', '0::/\n', 'memory hugetlb'],
])('says once that there is no limit: %s', async (_what, own, controllers) => {
  await using mount = await createTempFolder();
  const lines: string[] = [];
  await mount.write('cgroup.controllers', controllers);
  const ownCgroupFile = await mount.write('self', own);
  const cgroups = new CpuCgroups({ log: loggedInto(lines), mount: mount.path, ownCgroupFile });
  for (const pid of [4711, 4712]) cgroups.limit('files', pid, 1)();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('cpuLimit of servers has no effect');
});
