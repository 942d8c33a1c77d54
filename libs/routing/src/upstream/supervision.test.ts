import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMetrics } from '@mcp-bridge/metrics';
import type { ServerConfig } from '@mcp-bridge/service';
import { descendantsOf } from '@mcp-bridge/testkit';
import type { ChannelScope, UpstreamChannel, UpstreamServer } from './channel.js';
import {
  callTool,
  isAlive,
  scope,
  send,
  silentLog,
  stdioConfig,
  toolCall,
  until,
} from './fixtures/upstream-test-kit.js';
import { createSupervision } from './stdio/supervision.js';
import type { Supervision } from './stdio/supervision.js';
import { startUpstreamServer } from './upstream-server.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const MIB = 1024 * 1024;
const started: UpstreamServer[] = [];

function supervise(maxServers: number, maxServersPerTenant = maxServers): Supervision {
  return createSupervision({ maxServers, maxServersPerTenant }, silentLog);
}

function start(
  config: ServerConfig,
  supervision = supervise(100),
  metrics = createMetrics({ processMetrics: false }),
): UpstreamServer {
  const server = startUpstreamServer('fixture', config, { log: silentLog, supervision, metrics });
  started.push(server);
  return server;
}

async function pidFor(server: UpstreamServer, overrides: Partial<ChannelScope>): Promise<number> {
  return pidOf((await server.acquire(scope(overrides))).channel);
}

async function pidOf(channel: UpstreamChannel): Promise<number> {
  return (await callTool(channel, 'pid')) as number;
}

/** The processes of servers; those that watch over them run a shell. */
function serverPids(): number[] {
  return descendantsOf(process.pid);
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

describe('memoryLimit', () => {
  it.each(['grow', 'grow-in-child'])('ends a server that has more, and says so (%s)', async (tool) => {
    const metrics = createMetrics({ processMetrics: false });
    const server = start(stdioConfig(['legacy'], { memoryLimit: 150 * MIB }), supervise(100), metrics);
    const { channel } = await server.acquire(scope());
    const other = (await server.acquire(scope({ session: 'other' }))).channel;
    const pid = await pidOf(channel);
    const hanging = send(channel, toolCall('hang'));
    await send(channel, toolCall(tool, { bytes: 160 * MIB })).outcome;
    const { error } = await hanging.outcome;
    expect(error?.code).toBe('OUTCOME_UNKNOWN');
    expect(error?.message).toMatch(/used \d+ MiB of memory.*memoryLimit of 150 MiB/);
    expect(isAlive(pid)).toBe(false);
    expect(await callTool(other, 'echo', {})).toEqual({});
    expect(await pidFor(server, {})).not.toBe(pid);
    const text = await metrics.expose();
    expect(text).toContain('mcp_server_memory_limit_kills_total{server="fixture"} 1');
    expect(text).toContain('mcp_server_restarts_total{server="fixture"} 1');
  });
});

describe('warm pool', () => {
  it('starts with the first client, gives its processes away and is filled again', async () => {
    const metrics = createMetrics({ processMetrics: false });
    const before = new Set(serverPids());
    const server = start(stdioConfig(['legacy'], { poolSize: 2 }), supervise(100), metrics);
    const added = (): number[] => serverPids().filter((pid) => !before.has(pid));
    await server.catalogChannel();
    const first = await pidFor(server, { session: 'one' });
    const running = async (): Promise<string | undefined> =>
      /mcp_server_processes\{server="fixture"\} (\d+)/.exec(await metrics.expose())?.[1];
    // That of the catalog, the session's, and two that wait.
    await vi.waitFor(async () => expect(await running()).toBe('4'), { timeout: 10_000 });
    const waiting = added().filter((pid) => pid !== first);
    const second = await pidFor(server, { session: 'two' });
    expect(waiting).toContain(second);
    await vi.waitFor(async () => expect(await running()).toBe('5'), { timeout: 10_000 });
    await server.endSession('one');
    await server.endSession('two');
    await vi.waitFor(async () => expect(await running()).toBe('3'), { timeout: 10_000 });
    await server.close();
    expect(await running()).toBe('0');
  });

  it('serves tenants, and replaces what ended while it waited', async () => {
    const server = start(stdioConfig(['legacy'], { poolSize: 1, isolation: 'tenant' }));
    const known = new Set(serverPids());
    const one = await pidFor(server, { tenant: 'one' });
    let waiting = 0;
    const catalog = await pidOf(await server.catalogChannel());
    const spare = (): number | undefined =>
      serverPids().find((pid) => ![one, catalog, waiting].includes(pid) && !known.has(pid));
    await until(() => spare() !== undefined, 'a warm process');
    waiting = spare() ?? 0;
    process.kill(waiting, 'SIGKILL');
    // Taken at once, or replaced already: the client notices nothing.
    expect(await pidFor(server, { tenant: 'two' })).not.toBe(waiting);
    expect(await pidFor(server, { tenant: 'three' })).not.toBe(waiting);
  });
});

describe('router.maxServers', () => {
  it('refuses what is beyond it, without blaming the server', async () => {
    const supervision = supervise(3);
    const server = start(stdioConfig(['legacy']), supervision);
    await pidFor(server, { session: 'one' });
    await pidFor(server, { session: 'two' });
    expect(supervision.places.taken).toBe(3);
    // The catalog's process is idle and goes, sessions stay.
    await pidFor(server, { session: 'three' });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await expect(server.acquire(scope({ session: 'four' }))).rejects.toMatchObject({
        code: 'OVERLOADED',
        data: '{"retryAfterMs":1000}',
      });
    }
    expect(supervision.places.taken).toBe(3);
    expect(server.state).toBe('ready');
    await server.endSession('two');
    await pidFor(server, { session: 'four' });
  });

  it('lets warm and idle processes of other servers make room', async () => {
    const supervision = supervise(4);
    const roomy = start(stdioConfig(['legacy'], { poolSize: 2 }), supervision);
    await pidFor(roomy, { session: 'one' });
    await until(() => supervision.places.taken === 4, 'a full router');
    const other = start(stdioConfig(['legacy']), supervision);
    const catalog = await pidOf(await other.catalogChannel());
    const stateless = await other.acquire(scope({ session: '', preferredEra: 'modern' }));
    expect(supervision.places.taken).toBe(4);
    stateless.release();
    const third = start(stdioConfig(['legacy'], { isolation: 'shared' }), supervision);
    await third.catalogChannel();
    expect(stateless.channel.closed).toBe(true);
    expect(isAlive(catalog)).toBe(true);
    expect(supervision.places.taken).toBe(4);
  });
});

describe('router.maxServersPerTenant', () => {
  it('keeps one tenant from taking all', async () => {
    const server = start(stdioConfig(['legacy']), supervise(100, 2));
    await pidFor(server, { tenant: 'greedy', session: 'one' });
    const idle = await server.acquire(scope({ tenant: 'greedy', session: '', preferredEra: 'modern' }));
    const third = scope({ tenant: 'greedy', session: 'three' });
    await expect(server.acquire(third)).rejects.toMatchObject({ code: 'OVERLOADED' });
    await pidFor(server, { tenant: 'modest', session: 'four' });
    idle.release();
    await server.acquire(third);
    expect(idle.channel.closed).toBe(true);
  });

  it('starts another process for a client whose warm one ended while room was made', async () => {
    const supervision = supervise(100, 1);
    // Its processes take four seconds to end.
    const server = start(stdioConfig(['legacy', 'ignores-end'], { poolSize: 1 }), supervision);
    const before = new Set(serverPids());
    const idle = await server.acquire(scope({ session: '', preferredEra: 'modern' }));
    const known = [await pidOf(idle.channel), await pidOf(await server.catalogChannel())];
    idle.release();
    const warm = (): number | undefined =>
      serverPids().find((pid) => !before.has(pid) && !known.includes(pid));
    await until(() => warm() !== undefined, 'a warm process');
    const waiting = warm() ?? 0;
    const acquiring = pidFor(server, { session: 'one' });
    process.kill(waiting, 'SIGKILL');
    expect(await acquiring).not.toBe(waiting);
    await server.close();
    expect(supervision.places.taken).toBe(0);
  });
});
