import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  createTempFolder,
  descendantsOf,
  holdRow,
  isRunning,
  openLegacySession,
  waitFor,
  type LegacySession,
} from '@mcp-bridge/testkit';
import { startBridge, startFleet } from '../running-bridge.js';
import { faultyServer, outcomeOf, timedCall } from './fixtures/faulty-server.js';

const IN_FLIGHT = 1_000;
const folder = await createTempFolder();
afterAll(() => folder[Symbol.asyncDispose]());

/** A shared server whose calls leave a line in the file and are never answered. */
const hanging = (effectsFile: string) => ({ all: faultyServer({ isolation: 'shared' }, effectsFile) });

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
}

/** Calls that all have reached the server, and then the death of the router that had them. */
async function killWithCallsInFlight(session: LegacySession, effectsFile: string, routerPid: number) {
  const names = Array.from({ length: IN_FLIGHT }, (_, index) => `call ${index}`);
  const calls = names.map((name) => timedCall(session, 'all__effect-and-hang', { name }));
  await waitFor(async () => (await linesOf(effectsFile)).length === IN_FLIGHT, {
    timeoutMs: 60_000,
    what: 'every call to run',
  });
  const children = descendantsOf(routerPid);
  const killedAt = performance.now();
  process.kill(routerPid, 'SIGKILL');
  const answered = Promise.all(calls).then((replies) => {
    const ms = performance.now() - killedAt;
    expect(new Set(replies.map(({ reply }) => outcomeOf(reply)))).toEqual(new Set([-31005]));
    expect(new Set(replies.map(({ reply }) => reply.message.id)).size).toBe(IN_FLIGHT);
    expect(replies.every(({ reply }) => reply.messages.length === 1)).toBe(true);
    return Math.round(ms);
  });
  return { killedAt, answered, children };
}

test('row 8: a router is killed with 1 000 calls in flight, another one is up', async (context) => {
  const effectsFile = join(folder.path, 'effects of two');
  await using fleet = await startFleet({ gateways: 1, routers: 2, servers: hanging(effectsFile) });
  const [url = ''] = fleet.urls;
  // Sessions have homes: open some until both routers have had one, so that both have a server.
  const serverOf = new Map<number, LegacySession>();
  await waitFor(
    async () => {
      const session = await openLegacySession(url);
      const pid = Number(outcomeOf((await timedCall(session, 'all__pid')).reply));
      serverOf.set(pid, session);
      return serverOf.size === 2;
    },
    { timeoutMs: 30_000, what: 'sessions at both routers' },
  );
  const [[serverPid, session] = [0, await openLegacySession(url)]] = serverOf;
  const home = fleet.routers.find(({ pid }) => descendantsOf(pid).includes(serverPid));
  expect(home).toBeDefined();

  const { killedAt, answered, children } = await killWithCallsInFlight(session, effectsFile, home!.pid);
  // The session of the dead router goes on at the other one, without another `initialize`.
  // A call that goes out before the gateway knows of the death ends with −31005, too.
  const echo = async () => outcomeOf((await timedCall(session, 'all__echo', { text: 'flows' })).reply);
  await waitFor(async () => (await echo()) === 'flows', { what: 'traffic at the other router' });
  const flowsMs = Math.round(performance.now() - killedAt);
  const answeredMs = await answered;
  await waitFor(() => !children.some(isRunning), { what: 'the end of the servers of the dead router' });

  holdRow(context, [
    { what: 'all 1 000 calls answered after', measured: answeredMs, allowed: 1_000, unit: 'ms' },
    { what: 'new traffic at the other router after', measured: flowsMs, allowed: 1_000, unit: 'ms' },
    {
      what: 'calls sent twice',
      measured: (await linesOf(effectsFile)).length - IN_FLIGHT,
      allowed: 0,
      unit: '',
    },
  ]);
}, 120_000);

test('row 8: the only router is killed with 1 000 calls in flight, and started again', async (context) => {
  const effectsFile = join(folder.path, 'effects of one');
  await using bridge = await startBridge({ topology: 'two', servers: hanging(effectsFile) });
  const session = await openLegacySession(bridge.url);
  await timedCall(session, 'all__pid');

  const { answered, children } = await killWithCallsInFlight(session, effectsFile, bridge.router.pid);
  const answeredMs = await answered;
  await waitFor(() => !children.some(isRunning), { what: 'the end of the servers of the dead router' });
  await bridge.restartRouter();
  const readyAt = performance.now();
  expect((await session.request('tools/list')).message.result).toBeDefined();
  const flowsMs = Math.round(performance.now() - readyAt);
  expect(outcomeOf((await timedCall(session, 'all__echo', { text: 'again' })).reply)).toBe('again');

  holdRow(context, [
    { what: 'all 1 000 calls answered after', measured: answeredMs, allowed: 1_000, unit: 'ms' },
    { what: 'new traffic after the router is ready', measured: flowsMs, allowed: 1_000, unit: 'ms' },
    {
      what: 'calls sent twice',
      measured: (await linesOf(effectsFile)).length - IN_FLIGHT,
      allowed: 0,
      unit: '',
    },
  ]);
}, 120_000);
