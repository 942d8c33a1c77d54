import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HttpServerConfig } from '@mcp-bridge/service';
import type { UpstreamChannel, UpstreamServer } from './channel.js';
import {
  callTool,
  httpConfig,
  message,
  scope,
  send,
  silentLog,
  startSseFixture,
  toolCall,
  until,
  value,
} from './fixtures/upstream-test-kit.js';
import type { HttpFixture } from './fixtures/upstream-test-kit.js';
import { startUpstreamServer } from './upstream-server.js';

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const started: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.close();
});

async function fixture(...args: string[]): Promise<HttpFixture> {
  const http = await startSseFixture(args);
  started.push({ close: () => http.stop() });
  return http;
}

function serverAt(url: string, overrides: Partial<HttpServerConfig> = {}): UpstreamServer {
  const server = startUpstreamServer('old', httpConfig(url, overrides), {
    log: silentLog,
    probeTimeoutMs: 5_000,
  });
  started.push(server);
  return server;
}

async function openServer(overrides: Partial<HttpServerConfig> = {}): Promise<UpstreamServer> {
  const { url } = await fixture();
  return serverAt(url, { transport: 'sse', ...overrides });
}

async function openChannel(overrides: Partial<HttpServerConfig> = {}): Promise<UpstreamChannel> {
  return (await (await openServer(overrides)).acquire(scope())).channel;
}

interface LogBook {
  readonly opened: number;
  readonly live: number;
  readonly posts: readonly string[];
}

async function logBook(channel: UpstreamChannel): Promise<LogBook> {
  return (await callTool(channel, 'log-book')) as LogBook;
}

const reasonOf = async (attempt: Promise<unknown>): Promise<string> => {
  const error: unknown = await attempt.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  return (error as Error).message;
};

describe('finding a server of 2024-11-05', () => {
  it('tries Streamable HTTP first, and remembers what it found', async () => {
    const server = serverAt((await fixture()).url);
    const catalog = await server.catalogChannel();
    expect(catalog.info).toMatchObject({ era: 'legacy', protocolVersion: '2024-11-05' });
    const { channel } = await server.acquire(scope());
    const { posts } = await logBook(channel);
    expect(posts.filter((path) => path === '/sse')).toHaveLength(2);
  });

  it('is not kept from it by an error that servers of any era send', async () => {
    const server = serverAt((await fixture('json-404')).url);
    expect((await server.catalogChannel()).info.protocolVersion).toBe('2024-11-05');
  });

  it('posts nothing to the stream when told what it is', async () => {
    expect((await logBook(await openChannel())).posts).not.toContain('/sse');
  });

  it('does not look for it when told that it is another', async () => {
    const server = serverAt((await fixture()).url, { transport: 'http' });
    expect(await reasonOf(server.catalogChannel())).toMatch(/answered 405 to initialize/);
  });

  it.each([
    ['plain', /405 to initialize.*2024-11-05.*answered 200 to GET/],
    ['endpoint=https://elsewhere.example/messages', /not at its own origin/],
    ['endpoint=//elsewhere.example/messages', /not at its own origin/],
    ['endpoint=http://:::', /not at its own origin/],
    ['cut', /ended its event stream/],
  ])('says why it cannot use one with %s', async (quirk, reason) => {
    const server = serverAt((await fixture(quirk)).url);
    expect(await reasonOf(server.catalogChannel())).toMatch(reason);
    expect(server.state).toBe('failed');
  });

  it.each([
    ['no-endpoint', /named no endpoint within 300 ms/],
    ['silent', /initialize took longer than 300 ms/],
  ])('waits as long as startTimeout for one with %s', async (quirk, reason) => {
    const { url } = await fixture(quirk);
    const server = serverAt(url, { transport: 'sse', startTimeout: 300 });
    expect(await reasonOf(server.catalogChannel())).toMatch(reason);
  });

  it('posts nothing to another origin', async () => {
    const other = await fixture();
    const elsewhere = other.url.replace('/sse', '/messages?session=1');
    const server = serverAt((await fixture(`endpoint=${elsewhere}`)).url, { transport: 'sse' });
    expect(await reasonOf(server.catalogChannel())).toMatch(/not at its own origin/);
    // Its own catalog channel posts three messages.
    const { posts } = await logBook(await serverAt(other.url).catalogChannel());
    expect(posts.filter((path) => path === '/messages').length).toBe(3);
  });

  it('concludes nothing from a server that cannot be reached', async () => {
    const http = await fixture();
    await http.stop();
    expect(await reasonOf(serverAt(http.url, { transport: 'sse' }).catalogChannel())).toMatch(/ECONNREFUSED/);
  });
});

describe('calls over HTTP+SSE', () => {
  it('sends the configured headers, and the negotiated version like other clients', async () => {
    const channel = await openChannel({ headers: { authorization: 'Bearer ours' } });
    expect(await callTool(channel, 'headers')).toMatchObject({
      authorization: 'Bearer ours',
      'content-type': 'application/json',
      'mcp-protocol-version': '2024-11-05',
    });
  });

  it('answers each of many calls in flight with its own result', async () => {
    const channel = await openChannel();
    const calls = Array.from({ length: 200 }, (_, n) => callTool(channel, 'echo', { n }));
    expect(await Promise.all(calls)).toEqual(calls.map((_, n) => ({ n })));
    expect(channel.inFlight).toBe(0);
  });

  it('delivers progress, errors and batches', async () => {
    const channel = await openChannel();
    const params = Buffer.from('{"name":"progress","_meta":{"progressToken":0}}');
    const spans = { progressTokenStart: params.indexOf('0}'), progressTokenEnd: params.indexOf('0}') + 1 };
    const outcome = await send(channel, toolCall('', {}, { params, ...spans })).outcome;
    expect(outcome.notifications).toHaveLength(3);
    expect(value(outcome)).toBe('done');
    const { error } = await send(channel, toolCall('error')).outcome;
    expect(error).toMatchObject({ code: 'UPSTREAM_ERROR', rpcCode: -32050, message: 'as asked' });
    expect(await callTool(channel, 'batch')).toBe(1);
  });

  it('asks the client of the call, and answers pings itself', async () => {
    const channel = await openChannel();
    expect(await callTool(channel, 'ping-me')).toEqual({});
    const running = send(channel, toolCall('ask'));
    const { request, respond } = await running.asked;
    expect(message(request)).toMatchObject({ method: 'sampling/createMessage' });
    respond('result', Buffer.from('{"role":"assistant"}'));
    expect(value(await running.outcome)).toEqual({ role: 'assistant' });
  });

  it('gives what belongs to no call to the listener', async () => {
    const channel = await openChannel();
    const heard: string[] = [];
    channel.listen({
      onNotification: (notification) => heard.push(notification.method),
      onServerRequest: () => undefined,
      onClosed: () => heard.push('closed'),
    });
    await callTool(channel, 'list-changed');
    expect(heard).toEqual(['notifications/tools/list_changed']);
    await channel.close();
    expect(heard).toEqual(['notifications/tools/list_changed', 'closed']);
  });

  it('cancels by notification', async () => {
    const channel = await openChannel();
    const running = send(channel, toolCall('hang'));
    await callTool(channel, 'echo');
    running.cancel('not wanted');
    await until(() => channel.inFlight === 0, 'the end of the call');
    const cancelled = async (): Promise<unknown[]> =>
      ((await callTool(channel, 'counts')) as { cancelled: unknown[] }).cancelled;
    await vi.waitUntil(async () => (await cancelled()).length === 1);
  });

  it('is not held up by a server that leaves its POSTs open', async () => {
    const channel = await openChannel({ connections: 1 });
    expect(await callTool(channel, 'answer-first')).toBe('answered');
    expect(await callTool(channel, 'echo', { after: 'it' })).toEqual({ after: 'it' });
  });
});

describe('failures over HTTP+SSE', () => {
  it('ends the channel with its stream: calls that were sent may have run', async () => {
    const server = await openServer();
    const { channel } = await server.acquire(scope());
    const reasons: string[] = [];
    channel.listen({
      onNotification: () => undefined,
      onServerRequest: () => undefined,
      onClosed: (reason) => reasons.push(reason.message),
    });
    const hanging = send(channel, toolCall('hang'));
    await callTool(channel, 'echo');
    const end = send(channel, toolCall('cut'));
    expect((await hanging.outcome).error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect((await end.outcome).error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect([channel.closed, reasons]).toEqual([true, ['Server "old" ended its event stream']]);
    const late = await send(channel, toolCall('echo')).outcome;
    expect(late.error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    const next = await server.acquire(scope());
    expect(await callTool(next.channel, 'echo', { again: true })).toEqual({ again: true });
  });

  it.each([
    [429, 'OVERLOADED'],
    [400, 'UPSTREAM_PROTOCOL'],
    [500, 'OUTCOME_UNKNOWN'],
  ])('fails a call whose POST is answered %i, and no other', async (status, code) => {
    const channel = await openChannel();
    const hanging = send(channel, toolCall('hang'));
    const { error } = await send(channel, toolCall('status', { status })).outcome;
    expect(error).toMatchObject({ code });
    expect([channel.closed, channel.inFlight]).toEqual([false, 1]);
    hanging.cancel();
  });

  it('cannot tell whether a call ran whose POST broke off', async () => {
    const { error } = await send(await openChannel(), toolCall('reset')).outcome;
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  it('gives up a stream whose session the server forgot', async () => {
    const server = await openServer();
    const { channel } = await server.acquire(scope());
    await callTool(channel, 'forget');
    const { error } = await send(channel, toolCall('echo')).outcome;
    expect([error?.code, channel.closed]).toEqual(['UPSTREAM_UNAVAILABLE', true]);
    const next = await server.acquire(scope());
    expect(await callTool(next.channel, 'echo', { fresh: 1 })).toEqual({ fresh: 1 });
  });

  it('skips what is no message, and fails the call that a broken one answers', async () => {
    const channel = await openChannel();
    expect(await callTool(channel, 'garbage')).toBe('after it');
    const hanging = send(channel, toolCall('hang'));
    const { error } = await send(channel, toolCall('broken-reply')).outcome;
    expect(error).toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    expect(channel.inFlight).toBe(1);
    hanging.cancel();
  });

  it('closes on an event longer than maxMessageBytes', async () => {
    const channel = await openChannel({ maxMessageBytes: 100_000 });
    const { error } = await send(channel, toolCall('endless-event')).outcome;
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(error?.message).toMatch(/maxMessageBytes/);
    expect(channel.closed).toBe(true);
  });

  it('gives each session a stream of its own, which ends with it', async () => {
    const server = await openServer();
    const first = await server.acquire(scope({ session: 'a' }));
    const second = await server.acquire(scope({ session: 'b' }));
    expect(first.channel).not.toBe(second.channel);
    // Two of sessions, one of the catalog.
    expect((await logBook(first.channel)).live).toBe(3);
    await server.endSession('b');
    expect(second.channel.closed).toBe(true);
    await vi.waitUntil(async () => (await logBook(first.channel)).live === 2);
  });
});
