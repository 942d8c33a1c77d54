import { afterEach, describe, expect, it, vi } from 'vitest';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { ServerConfig } from '@mcp-bridge/service';
import type { ChannelLease, UpstreamChannel, UpstreamServer } from './channel.js';
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
import { startUpstreamServer } from './upstream-server.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const started: UpstreamServer[] = [];
let clock = 0;

function start(config: ServerConfig, log = silentLog): UpstreamServer {
  const server = startUpstreamServer('fixture', config, { log, now: () => clock });
  started.push(server);
  return server;
}

async function pidOf(channel: UpstreamChannel): Promise<number> {
  return (await callTool(channel, 'pid')) as number;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

describe('a server process that misbehaves', () => {
  it('may print banners', async () => {
    const { channel } = await start(stdioConfig(['legacy', 'banner'])).acquire(scope());
    expect(await callTool(channel, 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('fails only the request that a broken reply answers', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const hanging = send(channel, toolCall('hang'));
    const { error } = await send(channel, toolCall('broken-reply')).outcome;
    expect(error?.code).toBe('UPSTREAM_PROTOCOL');
    expect(channel.inFlight).toBe(1);
    expect(await callTool(channel, 'echo', {})).toEqual({});
    hanging.cancel();
  });

  it('fails all requests in flight when a broken reply names none', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const outcomes = await Promise.all([
      send(channel, toolCall('hang')).outcome,
      send(channel, toolCall('unclear')).outcome,
    ]);
    expect(outcomes.map((outcome) => outcome.error?.code)).toEqual([
      'UPSTREAM_PROTOCOL',
      'UPSTREAM_PROTOCOL',
    ]);
    expect(await callTool(channel, 'echo', {})).toEqual({});
  });

  it('may send a broken notification, and a batch', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    expect((await send(channel, toolCall('broken-notification')).outcome).error).toBeUndefined();
    const { result, notifications } = await send(channel, toolCall('batch')).outcome;
    expect(result?.kind).toBe('result');
    expect(notifications).toHaveLength(1);
  });

  it('is ended when it writes an endless line, and started again on demand', async () => {
    const server = start(stdioConfig(['legacy'], { maxMessageBytes: 1024 * 1024 }));
    const { channel } = await server.acquire(scope());
    const pid = await pidOf(channel);
    const { error } = await send(channel, toolCall('endless')).outcome;
    expect(error?.code).toBe('UPSTREAM_PROTOCOL');
    await until(() => !isAlive(pid), 'end of the process');
    expect(await pidOf((await server.acquire(scope())).channel)).not.toBe(pid);
  });

  it('stalls nobody else when it is stopped', async () => {
    const server = start(stdioConfig(['legacy']));
    const stopped = (await server.acquire(scope({ session: 'one' }))).channel;
    const other = (await server.acquire(scope({ session: 'two' }))).channel;
    const pid = await pidOf(stopped);
    process.kill(pid, 'SIGSTOP');
    const waiting = send(stopped, toolCall('echo'));
    expect(await callTool(other, 'echo', { fine: true })).toEqual({ fine: true });
    expect(stopped.inFlight).toBe(1);
    process.kill(pid, 'SIGCONT');
    expect((await waiting.outcome).result).toBeDefined();
  });

  it('is sent no more than a bound while it does not read', async () => {
    const { channel } = await start(stdioConfig(['legacy'], { maxMessageBytes: 100_000 })).acquire(scope());
    const pid = await pidOf(channel);
    process.kill(pid, 'SIGSTOP');
    const calls = Array.from({ length: 20 }, () =>
      send(channel, toolCall('echo', { text: 'x'.repeat(90_000) })),
    );
    const refused = await Promise.race(calls.map((call) => call.outcome));
    expect(refused.error?.code).toBe('OVERLOADED');
    process.kill(pid, 'SIGCONT');
    const outcomes = await Promise.all(calls.map((call) => call.outcome));
    expect(outcomes.filter((outcome) => outcome.result !== undefined).length).toBeGreaterThan(0);
  });

  it('is ended when it stops reading for good, and started again on demand', async () => {
    const server = start(stdioConfig(['legacy']));
    const { channel } = await server.acquire(scope());
    const pid = await pidOf(channel);
    await send(channel, toolCall('close-stdin')).outcome;
    const { error } = await send(channel, toolCall('echo')).outcome;
    expect(error?.code).toBe('OUTCOME_UNKNOWN');
    expect(isAlive(pid)).toBe(false);
    expect(await callTool((await server.acquire(scope())).channel, 'echo', {})).toEqual({});
  });

  it('reaches the log with its stderr, at a bounded rate', async () => {
    const lines: { stderr?: string }[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        for (const line of chunk.toString().trim().split('\n'))
          lines.push(JSON.parse(line) as { stderr?: string });
        done();
      },
    });
    const { channel } = await start(stdioConfig(['legacy', 'banner']), pino({ level: 'info' }, sink)).acquire(
      scope(),
    );
    await until(() => lines.some((line) => line.stderr === 'listening'), 'the line of stderr');
    const before = process.memoryUsage().arrayBuffers;
    const flooding = send(channel, toolCall('flood-stderr'));
    await expect.poll(() => callTool(channel, 'echo', {}), { timeout: 10_000 }).toEqual({});
    // The injected clock stands still: one second's worth of lines is all that may come.
    expect(lines.filter((line) => line.stderr !== undefined).length).toBeLessThanOrEqual(101);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    flooding.cancel();
  });

  it('backs off after five crashes, alone', async () => {
    const server = start(stdioConfig(['legacy']));
    const other = (await server.acquire(scope({ session: 'other' }))).channel;
    for (let crash = 0; crash < 5; crash += 1) {
      const { channel } = await server.acquire(scope());
      expect((await send(channel, toolCall('crash')).outcome).error?.code).toBe('OUTCOME_UNKNOWN');
    }
    await expect(server.acquire(scope())).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      data: '{"retryAfterMs":1000}',
    });
    expect(await callTool(other, 'echo', {})).toEqual({});
    expect(await callTool((await server.acquire(scope({ session: 'third' }))).channel, 'echo', {})).toEqual(
      {},
    );
    clock += 1_001;
    expect(await callTool((await server.acquire(scope())).channel, 'echo', {})).toEqual({});
  });

  it('is not started again for a while after five failed starts', async () => {
    const server = start(stdioConfig(['legacy', 'broken']));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(server.catalogChannel()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    }
    expect(server.state).toBe('backoff');
    await expect(server.catalogChannel()).rejects.toThrow(/next attempt in \d+ ms/);
    clock += 1_001;
    expect(server.state).toBe('failed');
  });
});

describe('isolation', () => {
  const asking = '{"sampling":{}}';

  it('gives every session a process, and ends it with the session', async () => {
    const server = start(stdioConfig(['legacy']));
    const one = await server.acquire(scope({ session: 'one' }));
    const again = await server.acquire(scope({ session: 'one' }));
    const two = await server.acquire(scope({ session: 'two' }));
    expect(again.channel).toBe(one.channel);
    expect(two.channel).not.toBe(one.channel);
    expect(server.existing('two')).toBe(two.channel);
    const pid = await pidOf(two.channel);
    await server.endSession('two');
    expect(server.existing('two')).toBeUndefined();
    expect(isAlive(pid)).toBe(false);
    expect(await pidOf(one.channel)).toEqual(expect.any(Number));
  });

  it('declares the capabilities and info of the client', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope({ capabilities: '{"roots":{}}' }));
    expect(JSON.parse(channel.info.instructions ?? '')).toMatchObject({
      params: { capabilities: { roots: {} }, clientInfo: { name: 'client' }, protocolVersion: '2025-11-25' },
    });
  });

  it('shares a process within a tenant, not between tenants, when so configured', async () => {
    const server = start(stdioConfig(['legacy'], { isolation: 'tenant' }));
    const scopes = [scope({ principal: 'a' }), scope({ principal: 'b' }), scope({ tenant: 'other' })];
    const [a, b, other] = await Promise.all(scopes.map((one) => server.acquire(one)));
    expect(a?.channel).toBe(b?.channel);
    expect(other?.channel).not.toBe(a?.channel);
  });

  it('shares one process between all when so configured, and a further one only when it is busy', async () => {
    const server = start(stdioConfig(['legacy'], { isolation: 'shared', poolSize: 2 }));
    const one = await server.acquire(scope({ session: 'one' }));
    expect(one.channel).toBe(await server.catalogChannel());
    const two = await server.acquire(scope({ session: 'two' }));
    expect(two.channel).not.toBe(one.channel);
    const three = await server.acquire(scope({ session: 'three' }));
    expect([one.channel, two.channel]).toContain(three.channel);
    expect(one.channel).toBe(await server.catalogChannel());
  });

  it('shares a process between the calls of a stateless principal that cannot be asked', async () => {
    const server = start(stdioConfig(['legacy']));
    const stateless = scope({ session: '', preferredEra: 'modern' });
    const [a, b] = await Promise.all([server.acquire(stateless), server.acquire(stateless)]);
    const other = await server.acquire({ ...stateless, principal: 'other' });
    expect(a.channel).toBe(b.channel);
    expect(other.channel).not.toBe(a.channel);
  });

  it('lends a process to one call at a time when its client can be asked, and uses it again', async () => {
    const server = start(stdioConfig(['legacy']));
    const stateless = scope({ session: '', preferredEra: 'modern', capabilities: asking });
    const [a, b] = await Promise.all([server.acquire(stateless), server.acquire(stateless)]);
    expect(a.channel).not.toBe(b.channel);
    a.release();
    a.release();
    const c = await server.acquire(stateless);
    const d = await server.acquire(stateless);
    expect(c.channel).toBe(a.channel);
    expect(d.channel).not.toBe(a.channel);
    expect(d.channel).not.toBe(b.channel);
  });

  it('says OVERLOADED beyond maxProcesses, unless an idle process of nobody can go', async () => {
    const server = start(stdioConfig(['legacy'], { maxProcesses: 2 }));
    const stateless = scope({ session: '', preferredEra: 'modern' });
    const lease = await server.acquire(stateless);
    await expect(server.acquire(scope())).rejects.toMatchObject({ code: 'OVERLOADED' });
    lease.release();
    expect(await callTool((await server.acquire(scope())).channel, 'echo', {})).toEqual({});
    expect(lease.channel.closed).toBe(true);
  });

  it('reaps what is idle, and no process is left', async () => {
    const server = start(stdioConfig(['legacy'], { idleTtl: 40 }));
    const leases: ChannelLease[] = [];
    for (const session of ['one', 'two', 'three']) leases.push(await server.acquire(scope({ session })));
    const pids = await Promise.all(leases.map((lease) => pidOf(lease.channel)));
    leases[0]?.release();
    leases[1]?.release();
    clock += 41;
    await until(() => pids.slice(0, 2).every((pid) => !isAlive(pid)), 'end of the idle processes');
    expect(leases.map((lease) => lease.channel.closed)).toEqual([true, true, false]);
    expect((await server.catalogChannel()).closed).toBe(false);
  });

  it('passes on a few harmless variables and what is configured, nothing else', async () => {
    process.env['BRIDGE_TEST_SECRET'] = 'do not pass on';
    const { channel } = await start(stdioConfig(['legacy'], { env: { GREETING: 'hello' } })).acquire(scope());
    const environment = (await callTool(channel, 'env')) as Record<string, string>;
    delete process.env['BRIDGE_TEST_SECRET'];
    expect(environment).toMatchObject({ GREETING: 'hello', PATH: process.env['PATH'] });
    expect(environment).not.toHaveProperty('BRIDGE_TEST_SECRET');
  });
});
