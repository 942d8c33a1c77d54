import { describe, expect, it } from 'vitest';
import { descendantsOf, isRunning, spawnService, waitFor } from '../index.js';

const READY = { readyPattern: /^ready (\d+)$/ };
/** A process that starts another one and ignores SIGTERM; prints the other's id. */
const STUBBORN = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1000);
  console.log('ready', child.pid);
`;

describe('spawnService', () => {
  it('kills the process and what it started', async () => {
    const service = await spawnService(process.execPath, ['-e', STUBBORN], READY);
    const grandchild = Number(service.ready[1]);
    expect(descendantsOf(service.pid)).toEqual([grandchild]);
    expect(descendantsOf(process.pid)).toContain(grandchild);
    await service.kill();
    await waitFor(() => !isRunning(grandchild), { what: 'the grandchild to end' });
    expect(isRunning(service.pid)).toBe(false);
  });

  it('stop lets a process end by itself and kills it after the grace time', async () => {
    const polite = await spawnService(
      process.execPath,
      [
        '-e',
        `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('ready 1')`,
      ],
      READY,
    );
    expect(await polite.stop()).toEqual({ code: 7, signal: null });
    const stubborn = await spawnService(process.execPath, ['-e', STUBBORN], READY);
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
