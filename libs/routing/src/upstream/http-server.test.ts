import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HttpServerConfig } from '@mcp-bridge/service';
import type { UpstreamChannel, UpstreamServer } from './channel.js';
import {
  callTool,
  httpConfig,
  message,
  modernCall,
  scope,
  send,
  silentLog,
  startHttpFixture,
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
  const http = await startHttpFixture(args);
  started.push({ close: () => http.stop() });
  return http;
}

function serverAt(url: string, overrides: Partial<HttpServerConfig> = {}): UpstreamServer {
  const server = startUpstreamServer('web', httpConfig(url, overrides), {
    log: silentLog,
    probeTimeoutMs: 2_000,
  });
  started.push(server);
  return server;
}

async function legacyChannel(...args: string[]): Promise<UpstreamChannel> {
  const { url } = await fixture('legacy', ...args);
  return (await serverAt(url).acquire(scope())).channel;
}

async function modernChannel(overrides: Partial<HttpServerConfig> = {}): Promise<UpstreamChannel> {
  const { url } = await fixture('modern');
  return serverAt(url, overrides).catalogChannel();
}

async function callModern(channel: UpstreamChannel, name: string, args: unknown = {}): Promise<unknown> {
  return value(await send(channel, modernCall(name, args)).outcome);
}

describe('era probe over HTTP', () => {
  it('takes a server with a discover result for modern', async () => {
    expect((await modernChannel()).info).toMatchObject({ era: 'modern', protocolVersion: '2026-07-28' });
  });

  it('initializes a server that answers 400 without a modern error', async () => {
    expect((await legacyChannel()).info).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25' });
  });

  it.each([401, 403, 500, 503])('concludes nothing from status %i', async (status) => {
    const { url } = await fixture('modern', `status-${status}`);
    const server = serverAt(url);
    await expect(server.catalogChannel()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(server.state).toBe('failed');
  });

  it.each([404, 405])('names the old transport when initialize is answered %i too', async (status) => {
    const { url } = await fixture('legacy', `status-${status}`);
    await expect(serverAt(url).catalogChannel()).rejects.toThrow(/HTTP\+SSE of 2024-11-05/);
  });

  it('asks again in the revision that the server offers when it refused the first', async () => {
    const { url } = await fixture('modern', 'refuses-first');
    expect((await serverAt(url).catalogChannel()).info.era).toBe('modern');
  });

  it('drives a server as modern that chooses no legacy revision in initialize', async () => {
    const { url } = await fixture('dual', 'modern-initialize');
    const server = serverAt(url);
    expect((await server.acquire(scope())).channel).toBe(await server.catalogChannel());
    expect(server.state).toBe('ready');
  });

  it('names the method of initialize in a header too, for servers of both eras and what stands before them', async () => {
    const { url } = await fixture('dual');
    const { channel } = await serverAt(url).acquire(scope());
    expect(await callTool(channel, 'log-book')).toMatchObject({
      initializedWith: { 'mcp-method': 'initialize' },
    });
  });

  it('drives a server of both eras in the era that the client prefers', async () => {
    const { url } = await fixture('dual');
    const server = serverAt(url);
    const legacy = await server.acquire(scope());
    const modern = await server.acquire(scope({ preferredEra: 'modern' }));
    expect([legacy.channel.info.era, modern.channel.info.era]).toEqual(['legacy', 'modern']);
  });

  it('says that nobody listens there', async () => {
    const http = await fixture('modern');
    await http.stop();
    await expect(serverAt(http.url).catalogChannel()).rejects.toThrow(/cannot be reached \(ECONNREFUSED\)/);
  });
});

describe('modern requests over HTTP', () => {
  it('sends the headers that the specification asks for, and nothing of the caller but Mcp-Param', async () => {
    const channel = await modernChannel({ headers: { Authorization: 'Bearer ours', 'MCP-Method': 'x' } });
    const headers = { 'mcp-param-region': 'eu', authorization: 'Bearer theirs', 'mcp-param-bad': 'a\nb' };
    const outcome = await send(channel, modernCall('headers', {}, { headers })).outcome;
    expect(value(outcome)).toMatchObject({
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'headers',
      'mcp-param-region': 'eu',
      authorization: 'Bearer ours',
    });
    expect(value(outcome)).not.toHaveProperty('mcp-param-bad');
    expect(value(outcome)).not.toHaveProperty('accept-encoding');
    expect(value(outcome)).not.toHaveProperty('mcp-session-id');
  });

  it('encodes names that a header cannot carry', async () => {
    const channel = await modernChannel();
    const outcome = await send(channel, modernCall('headers', {}, { name: 'wörld' })).outcome;
    expect(value(outcome)).toMatchObject({ 'mcp-name': '=?base64?d8O2cmxk?=' });
  });

  it('reads JSON replies, streams with progress, lines of all kinds, and events of other types', async () => {
    const channel = await modernChannel();
    expect(await callModern(channel, 'echo', { a: 1 })).toEqual({ a: 1 });
    const { notifications } = await send(channel, modernCall('progress')).outcome;
    expect(notifications.map((n) => n.method)).toEqual(
      Array.from({ length: 3 }, () => 'notifications/progress'),
    );
    expect(await callModern(channel, 'lines')).toBe(1);
    expect(await callModern(channel, 'other-events')).toBe(1);
  });

  it('keeps an error reply that comes with status 400', async () => {
    const { error } = await send(await modernChannel(), modernCall('error-400')).outcome;
    expect(error).toMatchObject({
      code: 'UPSTREAM_ERROR',
      rpcCode: -32021,
      data: '{"requiredCapabilities":{"sampling":{}}}',
    });
  });

  it('never crosses replies of 1 000 concurrent requests', async () => {
    const channel = await modernChannel();
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => callModern(channel, 'echo', { n })),
    );
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, n) => ({ n })));
  });

  it('cancels by closing the stream', async () => {
    const channel = await modernChannel();
    const running = send(channel, modernCall('silent-stream'));
    const book = async () => (await callModern(channel, 'log-book')) as { posts: number; aborted: string[] };
    // The request must have arrived before closing its stream can mean anything.
    while ((await book()).posts < 3) await new Promise(setImmediate);
    running.cancel();
    let aborted: string[] = [];
    while (aborted.length === 0) ({ aborted } = await book());
    expect(aborted).toEqual(['silent-stream']);
    expect(channel.inFlight).toBe(0);
  });

  it('keeps subscriptions open beside as many calls as there are connections', async () => {
    const channel = await modernChannel({ connections: 1 });
    const listens = [1, 2, 3].map(() =>
      send(channel, modernCall('', {}, { method: 'subscriptions/listen', name: '' })),
    );
    expect(await callModern(channel, 'echo', {})).toEqual({});
    await until(() => listens.every((listen) => listen.notifications.length === 2), 'events on every stream');
    for (const listen of listens) listen.cancel();
  });

  it.each([
    ['status', { status: 503 }, 'OUTCOME_UNKNOWN'],
    ['status', { status: 401 }, 'UPSTREAM_UNAVAILABLE'],
    ['status', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'UPSTREAM_PROTOCOL'],
    ['status', { status: 200, headers: { 'content-encoding': 'gzip' } }, 'UPSTREAM_PROTOCOL'],
    ['status', { status: 202 }, 'UPSTREAM_PROTOCOL'],
    ['status', { status: 429, headers: { 'retry-after': '2' } }, 'OVERLOADED'],
    ['reset', {}, 'OUTCOME_UNKNOWN'],
    ['reset-in-stream', {}, 'OUTCOME_UNKNOWN'],
    ['endless-event', {}, 'UPSTREAM_PROTOCOL'],
    ['big', { bytes: 100_000 }, 'UPSTREAM_PROTOCOL'],
    ['wrong-id', {}, 'UPSTREAM_PROTOCOL'],
    ['not-json', {}, 'UPSTREAM_PROTOCOL'],
  ])('answers %s %j with %s, and works on', async (name, args, code) => {
    const channel = await modernChannel({ maxMessageBytes: 65_536 });
    const { error } = await send(channel, modernCall(name, args)).outcome;
    expect(error?.code).toBe(code);
    expect(await callModern(channel, 'echo', { on: true })).toEqual({ on: true });
  });

  it('says UPSTREAM_UNAVAILABLE when the server went away before a call', async () => {
    const http = await fixture('modern');
    const channel = await serverAt(http.url).catalogChannel();
    await http.stop();
    await expect
      .poll(async () => (await send(channel, modernCall('echo')).outcome).error?.code)
      .toBe('UPSTREAM_UNAVAILABLE');
  });
});

describe('legacy sessions over HTTP', () => {
  it('sends session and version with every later request, and ends the session at close', async () => {
    const { url } = await fixture('legacy');
    const server = serverAt(url);
    const { channel } = await server.acquire(scope());
    expect(await callTool(channel, 'headers')).toMatchObject({
      'mcp-session-id': expect.stringMatching(/./) as string,
      'mcp-protocol-version': '2025-11-25',
    });
    await server.endSession('s');
    expect(channel.closed).toBe(true);
    expect(await callTool(await server.catalogChannel(), 'log-book')).toMatchObject({ deleted: 1, live: 1 });
  });

  it.each([[[]], [['bad-request']]])(
    'makes a new session when the server forgot it, without its caller noticing (%j)',
    async (quirk) => {
      const channel = await legacyChannel(...quirk);
      const heard: string[] = [];
      channel.listen({
        onNotification: () => undefined,
        onServerRequest: () => undefined,
        onReset: () => heard.push('reset'),
        onClosed: () => heard.push('closed'),
      });
      await callTool(channel, 'forget');
      const answers = await Promise.all([1, 2, 3].map((n) => callTool(channel, 'echo', { n })));
      expect(answers).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      expect(heard).toEqual(['reset']);
      expect(await callTool(channel, 'log-book')).toMatchObject({ sessions: 3 });
    },
  );

  it('hears what belongs to no request on the GET stream', async () => {
    const channel = await legacyChannel();
    const heard: string[] = [];
    channel.listen({
      onNotification: (n) => heard.push(n.method),
      onServerRequest: () => undefined,
      onClosed: () => undefined,
    });
    await expect
      .poll(async () => (await callTool(channel, 'list-changed')) && heard.length)
      .toBeGreaterThan(0);
    expect(heard[0]).toBe('notifications/tools/list_changed');
  });

  it('does without a GET stream', async () => {
    expect(await callTool(await legacyChannel('no-get'), 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('works with a server that keeps no session', async () => {
    expect(await callTool(await legacyChannel('stateless'), 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('resumes a stream that the server closed before it answered, as often as needed', async () => {
    const channel = await legacyChannel();
    const startedAt = performance.now();
    expect(await callTool(channel, 'poll')).toBe('polled');
    const waitedMs = performance.now() - startedAt;
    // The server asks for 30 ms before each of three returns; without a wish of its own it would be a second.
    expect(waitedMs).toBeGreaterThan(90);
    expect(waitedMs).toBeLessThan(2_900);
    const { gets } = (await callTool(channel, 'log-book')) as { gets: string[] };
    expect(gets.filter((last) => last !== '')).toEqual([
      expect.stringMatching(/^poll-\d+-0$/),
      expect.stringMatching(/^poll-\d+-1$/),
      expect.stringMatching(/^poll-\d+-2$/),
    ]);
  });

  it('brings a request of the server to the call on whose stream it came, and the answer back', async () => {
    const { url } = await fixture('legacy');
    const { channel } = await serverAt(url, { connections: 1 }).acquire(
      scope({ capabilities: '{"sampling":{}}' }),
    );
    const running = send(channel, toolCall('ask'));
    const { request, respond } = await running.asked;
    expect(request.method).toBe('sampling/createMessage');
    respond('result', Buffer.from('{"model":"m"}'));
    expect(value(await running.outcome)).toEqual({ model: 'm' });
  });

  it.each([
    ["on its own call's stream", {}],
    ['on the general stream', { outside: true }],
  ])(
    'keeps no client from the server while 80 others leave its questions unanswered, %s',
    async (_, args) => {
      const { url } = await fixture('legacy');
      const server = serverAt(url, { connections: 2 });
      const running = [];
      for (let index = 0; index < 80; index += 1) {
        const { channel } = await server.acquire(
          scope({ session: `s${index}`, capabilities: '{"sampling":{}}' }),
        );
        running.push(send(channel, toolCall('ask', args)));
      }
      const asked = await Promise.all(running.map((one) => one.asked));
      const { channel } = await server.acquire(scope({ session: 'another' }));
      const others = Array.from({ length: 10 }, (__, index) => callTool(channel, 'echo', { index }));
      expect(await Promise.all(others)).toHaveLength(10);
      for (const { respond } of asked) respond('result', Buffer.from('{"model":"m"}'));
      const answers = await Promise.all(running.map(async ({ outcome }) => value(await outcome)));
      expect(answers).toEqual(answers.map(() => ({ model: 'm' })));
    },
    60_000,
  );

  it('answers a ping of the server itself', async () => {
    expect(await callTool(await legacyChannel(), 'ping-me')).toEqual({});
  });

  it('cancels by notification', async () => {
    const channel = await legacyChannel();
    const running = send(channel, toolCall('log', { text: 1 }));
    await running.outcome;
    const hanging = send(channel, toolCall('hang'));
    const counts = async () => (await callTool(channel, 'log-book')) as { posts: number };
    const before = (await counts()).posts;
    while ((await counts()).posts < before) await new Promise(setImmediate);
    hanging.cancel('enough');
    await expect
      .poll(async () => ((await callTool(channel, 'counts')) as { cancelled: number[] }).cancelled.length)
      .toBe(1);
  });

  it('lets go of a stream that stays open after the reply', async () => {
    const channel = await legacyChannel();
    expect(await callTool(channel, 'lingering')).toBe(1);
    expect(channel.inFlight).toBe(0);
  });

  it('keeps the sessions of two clients apart', async () => {
    const { url } = await fixture('legacy');
    const server = serverAt(url);
    const ids = await Promise.all(
      ['one', 'two'].map(async (session) => {
        const { channel } = await server.acquire(scope({ session }));
        return ((await callTool(channel, 'headers')) as Record<string, string>)['mcp-session-id'];
      }),
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('keeps nobody from a server that refuses how another client describes itself', async () => {
    const { url } = await fixture('legacy');
    const server = serverAt(url);
    const caller = (clientInfo: string) => server.acquire(scope({ session: '', clientInfo }));
    for (let attempt = 0; attempt < 5; attempt += 1)
      await expect(caller('{"nameless":1}')).rejects.toThrow(/refused initialize: clientInfo has no name/);
    await expect(caller('{"nameless":1}')).rejects.toThrow(/next attempt in \d+ ms/);
    const { channel } = await caller('{"name":"client","version":"1"}');
    expect(await callTool(channel, 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('gives log messages on the stream of the call that caused them', async () => {
    const { notifications } = await send(await legacyChannel(), toolCall('log', { text: 'x' })).outcome;
    expect(notifications.map(message)).toMatchObject([
      { method: 'notifications/message', params: { data: 'x' } },
    ]);
  });
});

describe('addresses', () => {
  it('refuses plain http and private addresses beyond this machine', async () => {
    await expect(serverAt('http://192.168.0.1/mcp').catalogChannel()).rejects.toThrow(/plain http/);
    await expect(serverAt('https://10.0.0.1/mcp').catalogChannel()).rejects.toThrow(/private address/);
  });
});
