import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { descendantsOf, isRunning, spawnService, waitFor } from '../index.js';

const READY = { readyPattern: /^ready (\d+)$/ };
/** A process that starts another one and ignores SIGTERM; prints the other's id. */
const STUBBORN = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1000);
  console.log('ready ' + child.pid);
`;

describe('spawnService', () => {
  it('kills the process and what it started', async () => {
    await using service = await spawnService(process.execPath, ['-e', STUBBORN], READY);
    const grandchild = Number(service.ready[1]);
    expect(descendantsOf(service.pid)).toEqual([grandchild]);
    expect(descendantsOf(process.pid)).toContain(grandchild);
    await service.kill();
    await waitFor(() => !isRunning(grandchild), { what: 'the grandchild to end' });
    expect(isRunning(service.pid)).toBe(false);
  });

  it('leaves nothing running when the test process itself is killed', async () => {
    const script = `
      import { spawnService } from ${JSON.stringify(new URL('spawn-service.ts', import.meta.url).href)};
      const service = await spawnService(process.execPath, ['-e', ${JSON.stringify(STUBBORN)}], { readyPattern: /^ready/ });
      console.log(service.pid + ' ' + service.ready.input.split(' ')[1]);
      setInterval(() => {}, 1000);
    `;
    const tester = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(tester.stdout.setEncoding('utf8'), 'data')) as [string];
    const pids = line.trim().split(' ').map(Number);
    expect(pids.map(isRunning)).toEqual([true, true]);
    tester.kill('SIGKILL');
    await waitFor(() => !pids.some(isRunning), { what: 'the orphans to end' });
  }, 20_000);

  it('stop lets a process end by itself and kills it after the grace time', async () => {
    await using polite = await spawnService(
      process.execPath,
      [
        '-e',
        `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('ready 1')`,
      ],
      READY,
    );
    expect(await polite.stop()).toEqual({ code: 7, signal: null });
    await using stubborn = await spawnService(process.execPath, ['-e', STUBBORN], READY);
    expect(await stubborn.stop({ graceMs: 50 })).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('shows the output of a process that ends before it is ready', async () => {
    const start = spawnService(process.execPath, ['-e', `console.error('no port'); process.exit(2)`], READY);
    await expect(start).rejects.toThrow(/exited with 2 before it was ready.*no port/s);
  });

  it('leaves nothing of a process that is not ready in time', async () => {
    const before = descendantsOf(process.pid);
    const start = spawnService(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      ...READY,
      readyTimeoutMs: 50,
    });
    await expect(start).rejects.toThrow(/not ready after 50 ms/);
    expect(descendantsOf(process.pid)).toEqual(before);
  });

  it('reports a command that does not exist', async () => {
    await expect(spawnService('/no/such/command', [], READY)).rejects.toThrow(/could not start/);
  });
});
