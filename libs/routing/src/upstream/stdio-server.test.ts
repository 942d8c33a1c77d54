import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServerConfig } from '@mcp-bridge/service';
import type { UpstreamServer } from './channel.js';
import {
  callTool,
  isAlive,
  message,
  modernCall,
  scope,
  send,
  silentLog,
  stdioConfig,
  toolCall,
  until,
  value,
} from './fixtures/upstream-test-kit.js';
import { startUpstreamServer } from './upstream-server.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const started: UpstreamServer[] = [];
function start(config: ServerConfig, probeTimeoutMs = 2_000): UpstreamServer {
  const server = startUpstreamServer('fixture', config, { log: silentLog, probeTimeoutMs });
  started.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

describe('era probe over stdio', () => {
  it('takes a server with a discover result for modern', async () => {
    const { info } = await start(stdioConfig(['modern'])).catalogChannel();
    expect(info).toMatchObject({
      era: 'modern',
      protocolVersion: '2026-07-28',
      serverInfo: { name: 'scripted' },
    });
  });

  it('initializes a server that answers discover with an error, in the same process', async () => {
    const server = start(stdioConfig(['legacy']));
    const channel = await server.catalogChannel();
    expect(channel.info).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25' });
    expect(await callTool(channel, 'counts')).toMatchObject({ initializes: 1 });
  });

  it('initializes a server that says nothing to discover', async () => {
    const { info } = await start(stdioConfig(['legacy', 'silent']), 100).catalogChannel();
    expect(info.era).toBe('legacy');
  });

  it('starts a server again that exits on discover, and initializes it', async () => {
    const { info } = await start(stdioConfig(['legacy', 'exits'])).catalogChannel();
    expect(info.era).toBe('legacy');
  });

  it('does not take a modern server for legacy because it starts slowly', async () => {
    const { info } = await start(stdioConfig(['modern', 'slow']), 50).catalogChannel();
    expect(info.era).toBe('modern');
  });

  it('drives a server of both eras in the era that the client prefers', async () => {
    const server = start(stdioConfig(['dual']));
    const legacy = await server.acquire(scope());
    const modern = await server.acquire(scope({ session: '', preferredEra: 'modern' }));
    expect([legacy.channel.info.era, modern.channel.info.era]).toEqual(['legacy', 'modern']);
    expect(modern.channel).toBe(await server.catalogChannel());
  });

  it('asks again in the revision that the server offers when it refused the first', async () => {
    const { info } = await start(stdioConfig(['modern', 'refuses-first'])).catalogChannel();
    expect(info.era).toBe('modern');
  });

  it('drives a server as modern that chooses no legacy revision in initialize', async () => {
    const server = start(stdioConfig(['dual', 'modern-initialize']));
    expect((await server.acquire(scope())).channel).toBe(await server.catalogChannel());
    expect(server.state).toBe('ready');
  });

  it('drives a modern server as modern even for legacy clients', async () => {
    const server = start(stdioConfig(['modern']));
    const { channel } = await server.acquire(scope());
    expect(channel).toBe(await server.catalogChannel());
    expect(server.state).toBe('ready');
  });
});

describe('requests over stdio', () => {
  it('answers', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    expect(await callTool(channel, 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('keeps code, message and data of an error', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const { error } = await send(channel, toolCall('error')).outcome;
    expect(error).toMatchObject({
      code: 'UPSTREAM_ERROR',
      rpcCode: -32050,
      message: 'as asked',
      data: '{"n":1.5}',
    });
  });

  it('never crosses replies of 1 000 concurrent requests', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => callTool(channel, 'echo', { n })),
    );
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, n) => ({ n })));
  });

  it('sends params with raw newlines as one line', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const params = Buffer.from('{\n "name": "params",\r\n "arguments": {"text": "a\\nb"}\n}');
    const outcome = await send(channel, toolCall('params', {}, { params })).outcome;
    expect(value(outcome)).toEqual({ name: 'params', arguments: { text: 'a\nb' } });
  });

  it('replaces the progress token by its own and delivers progress to that request alone', async () => {
    const channel = await start(stdioConfig(['modern'])).catalogChannel();
    const [one, two] = await Promise.all([
      send(channel, modernCall('progress')).outcome,
      send(channel, modernCall('progress')).outcome,
    ]);
    for (const { notifications } of [one, two]) {
      expect(
        notifications.map((n) => (message(n) as { params: { progress: number } }).params.progress),
      ).toEqual([1, 2, 3]);
    }
    const sent = value(await send(channel, modernCall('params')).outcome) as {
      _meta: { progressToken: unknown };
    };
    expect(sent._meta.progressToken).toEqual(expect.any(Number));
  });

  it('cancels by notification, and the sink hears nothing more', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const running = send(channel, toolCall('hang'));
    running.cancel('no longer wanted');
    const { cancelled } = (await callTool(channel, 'counts')) as { cancelled: number[] };
    expect(cancelled).toEqual([expect.any(Number)]);
    expect(channel.inFlight).toBe(0);
  });

  it('never cancels initialize, whoever gives up waiting', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    send(channel, toolCall('', {}, { method: 'initialize' })).cancel('too slow');
    expect(await callTool(channel, 'counts')).toMatchObject({ initializes: 2, cancelled: [] });
  });

  it('delivers the first of two replies', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    expect(await callTool(channel, 'two-replies')).toBe('first');
    expect(await callTool(channel, 'echo', {})).toEqual({});
  });

  it('answers a ping of the server itself', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    expect(await callTool(channel, 'ping-me')).toEqual({});
  });

  it('brings a request of the server to the request that caused it, and the answer back', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(
      scope({ capabilities: '{"sampling":{}}' }),
    );
    const running = send(channel, toolCall('ask'));
    const { request, respond } = await running.asked;
    expect(request.method).toBe('sampling/createMessage');
    respond('result', Buffer.from('{"model":"m"}'));
    respond('result', Buffer.from('{"model":"twice"}'));
    expect(value(await running.outcome)).toEqual({ model: 'm' });
  });

  it('refuses requests of the server on a channel that belongs to nobody', async () => {
    const channel = await start(stdioConfig(['legacy'])).catalogChannel();
    expect(await callTool(channel, 'ask')).toMatchObject({ code: -32601 });
  });

  it('gives log messages on a shared channel only to the one owner that asked for them', async () => {
    const channel = await start(stdioConfig(['modern'])).catalogChannel();
    const hanging = send(channel, modernCall('hang', {}, { owner: 'other' }));
    const alone = await send(channel, modernCall('log', {}, { logLevel: 'info' })).outcome;
    expect(alone.notifications).toHaveLength(1);
    expect(hanging.notifications).toHaveLength(0);
    const rival = send(channel, modernCall('hang', {}, { owner: 'other', logLevel: 'info' }));
    const ambiguous = await send(channel, modernCall('log', {}, { logLevel: 'info' })).outcome;
    expect(ambiguous.notifications).toHaveLength(0);
    expect(rival.notifications).toHaveLength(0);
  });

  it('brings subscription events to the listen request, until it is cancelled', async () => {
    const channel = await start(stdioConfig(['modern'])).catalogChannel();
    const listening = send(channel, modernCall('', {}, { method: 'subscriptions/listen' }));
    await until(() => listening.notifications.length === 2, 'acknowledgement and event');
    listening.cancel();
    const { cancelled } = value(await send(channel, modernCall('counts')).outcome) as { cancelled: number[] };
    expect(cancelled).toHaveLength(1);
  });

  it('brings what concerns no request to the listener', async () => {
    const { channel } = await start(stdioConfig(['legacy'])).acquire(scope());
    const heard: string[] = [];
    channel.listen({
      onNotification: (n) => heard.push(n.method),
      onServerRequest: () => undefined,
      onClosed: () => heard.push('closed'),
    });
    await callTool(channel, 'list-changed');
    await channel.close();
    expect(heard).toEqual(['notifications/tools/list_changed', 'closed']);
  });
});

describe('processes', () => {
  it('spawns nothing before it is asked', () => {
    expect(start(stdioConfig(['legacy'])).state).toBe('idle');
  });

  it('shares one start between concurrent callers', async () => {
    const server = start(stdioConfig(['legacy']));
    const leases = await Promise.all(Array.from({ length: 20 }, () => server.acquire(scope())));
    expect(new Set(leases.map((lease) => lease.channel)).size).toBe(1);
  });

  it('fails what is in flight with OUTCOME_UNKNOWN when the process dies, and starts again on demand', async () => {
    const server = start(stdioConfig(['legacy']));
    const { channel } = await server.acquire(scope());
    const hanging = send(channel, toolCall('hang'));
    const crashing = send(channel, toolCall('crash'));
    const outcomes = await Promise.all([hanging.outcome, crashing.outcome]);
    expect(outcomes.map((outcome) => outcome.error?.code)).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
    expect(channel.closed).toBe(true);
    const late = await send(channel, toolCall('echo')).outcome;
    expect(late.error?.code).toBe('UPSTREAM_UNAVAILABLE');
    const next = await server.acquire(scope());
    expect(await callTool(next.channel, 'echo', { again: true })).toEqual({ again: true });
  });

  it('names the command that does not exist and what to do', async () => {
    const server = start(stdioConfig([], { command: 'no-such-command-here' }));
    await expect(server.catalogChannel()).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringMatching(
        /"no-such-command-here" was not found.*servers\.fixture\.command/,
      ) as string,
    });
    expect(server.state).toBe('failed');
    expect(server.lastError?.code).toBe('UPSTREAM_UNAVAILABLE');
  });

  it('leaves no process behind, not even one that ignores the end of its input and SIGTERM', async () => {
    const server = start(stdioConfig(['legacy', 'ignores-end']));
    const { channel } = await server.acquire(scope());
    const pid = (await callTool(channel, 'pid')) as number;
    const { result } = await send(channel, toolCall('grandchild')).outcome;
    const { pid: grandchild } = (message(result!) as { result: { pid: number } }).result;
    expect(isAlive(grandchild)).toBe(true);
    await server.close();
    expect(isAlive(pid)).toBe(false);
    await until(() => !isAlive(grandchild), 'end of the grandchild');
  });
});
