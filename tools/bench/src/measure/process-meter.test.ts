import { spawnService } from '@mcp-bridge/testkit';
import { expect, test } from 'vitest';
import { startProcessMeter } from './process-meter.js';

/** Starts a child that burns CPU until 200 ms of it are used up, then says so and stays. */
const PARENT = `
  const burn = 'while (process.cpuUsage().user < 200000); console.log("burnt"); setInterval(() => {}, 1000)';
  require('node:child_process').spawn(process.execPath, ['-e', burn], { stdio: 'inherit' });
  setInterval(() => {}, 1000);
`;

test('tells the CPU time of a process from that of its children', async () => {
  await using parent = await spawnService(process.execPath, ['-e', PARENT], { readyPattern: /burnt/ });
  const [own, children] = startMeterOfNow(parent.pid);
  expect(own).toMatchObject({ name: 'parent', counted: true });
  expect(children).toMatchObject({ name: 'children', counted: false });
  expect(children!.rssMiB).toBeGreaterThan(10);
});

test('counts from its start on, new children from theirs', async () => {
  const meter = startProcessMeter([{ name: 'this', pid: process.pid, childrenName: 'children' }]);
  await using child = await spawnService(process.execPath, ['-e', PARENT], { readyPattern: /burnt/ });
  const [own, children] = meter.read();
  expect(child.pid).toBeGreaterThan(0);
  // Two processes more, one of which burnt 200 ms; ticks are 10 ms.
  expect(children!.cpuMs).toBeGreaterThanOrEqual(190);
  expect(own!.cpuMs).toBeLessThan(process.cpuUsage().user / 1000);
});

function startMeterOfNow(pid: number) {
  return startProcessMeter([{ name: 'parent', pid, childrenName: 'children' }]).read();
}
