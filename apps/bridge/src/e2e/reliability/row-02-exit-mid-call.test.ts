import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createTempFolder, holdRow, openLegacySession, waitFor } from '@mcp-bridge/testkit';
import { startBridge } from '../running-bridge.js';
import { faultyServer, outcomeOf, pidOf, timedCall } from './fixtures/faulty-server.js';

const NEIGHBOURS = 20;
const folder = await createTempFolder();
const effectsFile = join(folder.path, 'effects');
const bridge = await startBridge({
  servers: {
    own: faultyServer({ isolation: 'session' }, effectsFile),
    all: faultyServer({ isolation: 'shared' }, effectsFile),
  },
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function effects(): Promise<string[]> {
  return (await readFile(effectsFile, 'utf8')).trim().split('\n');
}

test('row 2: a stdio server ends during a call', async (context) => {
  const own = await openLegacySession(`${bridge.url}/own`);
  const other = await openLegacySession(`${bridge.url}/own`);
  const all = await openLegacySession(`${bridge.url}/all`);
  const before = await pidOf(other);
  const waits: number[] = [];

  // It exits by itself, also in the middle of its reply.
  for (const [name, partOfReply] of [
    ['exits', ''],
    ['exits in its reply', '{"jsonrpc":"2.0","id":'],
  ]) {
    await waitFor(() => pidOf(own), { what: 'the process' });
    const { reply, ms } = await timedCall(own, 'effect-and-exit', { name, partOfReply });
    expect(outcomeOf(reply)).toBe(-31005);
    waits.push(ms);
  }

  // It is killed, with calls of others in the same process.
  const pid = await waitFor(() => pidOf(all), { what: 'the shared process' });
  const names = Array.from({ length: NEIGHBOURS }, (_, index) => `killed ${index}`);
  const calls = names.map((name) => timedCall(all, 'effect-and-hang', { name }));
  await waitFor(async () => (await effects()).length === 2 + NEIGHBOURS, { what: 'every call to run' });
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  const replies = await Promise.all(calls);
  waits.push(performance.now() - killedAt);
  expect(new Set(replies.map(({ reply }) => outcomeOf(reply)))).toEqual(new Set([-31005]));
  expect(new Set(replies.map(({ reply }) => reply.message.id)).size).toBe(NEIGHBOURS);
  expect(replies.every(({ reply }) => reply.messages.length === 1)).toBe(true);

  // The next call is served by a new process, which was sent nothing of what came before.
  for (const session of [own, all]) {
    expect(outcomeOf((await timedCall(session, 'effect', { name: 'after' })).reply)).toBe('done');
  }
  const expected = ['exits', 'exits in its reply', ...names, 'after', 'after'];
  const seen = await effects();
  expect([...seen].sort()).toEqual([...expected].sort());
  expect(await pidOf(other)).toBe(before);

  holdRow(context, [
    { what: 'answered −31005 after', measured: Math.round(Math.max(...waits)), allowed: 250, unit: 'ms' },
    { what: 'effects beyond one per call', measured: seen.length - expected.length, allowed: 0, unit: '' },
  ]);
}, 60_000);
