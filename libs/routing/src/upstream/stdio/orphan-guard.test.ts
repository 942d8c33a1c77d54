import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isRunning, waitFor } from '@mcp-bridge/testkit';

const GUARDED = fileURLToPath(new URL('../fixtures/guarded-groups.ts', import.meta.url));

test('after SIGKILL no group is left that was not removed, and those that were are spared', async () => {
  const parent = spawn(process.execPath, ['--conditions=@mcp-bridge/source', '--import', 'tsx', GUARDED], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const { guarded, removed } = JSON.parse(line.toString()) as { guarded: number[]; removed: number };
  try {
    expect([...guarded, removed].every(isRunning)).toBe(true);
    parent.kill('SIGKILL');
    await waitFor(() => !guarded.some(isRunning), { what: 'the end of the guarded groups' });
    expect(isRunning(removed)).toBe(true);
  } finally {
    process.kill(removed, 'SIGKILL');
  }
}, 30_000);
