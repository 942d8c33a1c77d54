import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createTempFolder, freePort, spawnService } from '@mcp-bridge/testkit';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const FROM_SOURCE = ['--conditions=@mcp-bridge/source', '--import', import.meta.resolve('tsx')];

test('refuses to listen beyond loopback without a credential: exit 78', async () => {
  await using folder = await createTempFolder();
  const file = await folder.write('bridge.yaml', 'router: { host: 0.0.0.0, port: 0 }\n');
  const outcome = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
    const args = [...FROM_SOURCE, main, '-c', file];
    const child = execFile(process.execPath, args, (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode, stderr });
    });
  });
  expect(outcome).toEqual({ code: 78, stderr: expect.stringContaining('link.tokenFile: required') });
});

test('serves although a command of its configuration is missing, and ends in order', async () => {
  await using folder = await createTempFolder();
  const file = await folder.write(
    'bridge.yaml',
    `servers: { broken: { command: no-such-program-here } }\nrouter: { port: ${await freePort()} }\nadmin: { port: 0 }\n`,
  );
  await using router = await spawnService(process.execPath, [...FROM_SOURCE, main, '-c', file], {
    readyPattern: /"adminPort":(\d+),"msg":"ready"/,
    readyTimeoutMs: 60_000,
  });
  expect(router.output).toContain('servers.broken.command: not found');
  expect((await fetch(`http://127.0.0.1:${router.ready[1]}/readyz`)).status).toBe(200);
  expect(await router.stop()).toEqual({ code: 0, signal: null });
});
