import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  fixtureCommand,
  freePort,
  spawnService,
  startFixtureHttp,
  startFixtureSse,
} from '@mcp-bridge/testkit';
import type { ServerConfig } from '@mcp-bridge/service';
import type { ChannelScope, UpstreamChannel } from './channel.js';
import {
  httpConfig,
  message,
  modernCall,
  scope,
  send,
  silentLog,
  stdioConfig,
  toolCall,
  until,
} from './fixtures/upstream-test-kit.js';
import type { Outcome } from './fixtures/upstream-test-kit.js';
import { startUpstreamServer } from './upstream-server.js';

const EVERYTHING = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);

// Real processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const started: AsyncDisposable[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

async function channelOf(
  config: ServerConfig,
  overrides: Partial<ChannelScope> = {},
): Promise<UpstreamChannel> {
  const server = startUpstreamServer('real', config, { log: silentLog });
  started.push({ [Symbol.asyncDispose]: () => server.close() });
  return (await server.acquire(scope(overrides))).channel;
}

async function everything(mode: 'streamableHttp' | 'sse', path: string): Promise<ServerConfig> {
  const port = await freePort();
  const service = await spawnService(process.execPath, [EVERYTHING, mode], {
    env: { PORT: String(port) },
    readyPattern: /(?:listening|running) on port/,
  });
  started.push({ [Symbol.asyncDispose]: () => service.kill().then(() => undefined) });
  return httpConfig(`http://127.0.0.1:${port}${path}`);
}

const everythingOverHttp = (): Promise<ServerConfig> => everything('streamableHttp', '/mcp');
const everythingOverSse = (): Promise<ServerConfig> => everything('sse', '/sse');

async function fixtureOverSse(): Promise<ServerConfig> {
  const fixture = await startFixtureSse();
  started.push(fixture);
  return httpConfig(fixture.url);
}

async function fixtureOverHttp(): Promise<ServerConfig> {
  const fixture = await startFixtureHttp();
  started.push(fixture);
  return httpConfig(fixture.url);
}

function textOf(outcome: Outcome): string {
  if (outcome.result === undefined) throw outcome.error ?? new Error('no result');
  const { result } = message(outcome.result) as { result: { content: { text: string }[] } };
  return result.content.map((part) => part.text).join('\n');
}

const overStdio = (): Promise<ServerConfig> => {
  return Promise.resolve({ ...stdioConfig([]), args: [EVERYTHING, 'stdio'] });
};
const fixtureOverStdio = (): Promise<ServerConfig> =>
  Promise.resolve({ ...stdioConfig([]), ...fixtureCommand() });

describe.each([
  ['stdio', overStdio],
  ['Streamable HTTP', everythingOverHttp],
  ['HTTP+SSE', everythingOverSse],
])('server-everything over %s', (_transport, config) => {
  it('is initialized, answers calls and reports progress', async () => {
    const channel = await channelOf(await config());
    expect(channel.info).toMatchObject({ era: 'legacy', serverInfo: { name: 'mcp-servers/everything' } });
    expect(textOf(await send(channel, toolCall('echo', { message: 'hi' })).outcome)).toContain('hi');
    const args = { duration: 0.2, steps: 2 };
    const plain = JSON.stringify({
      name: 'trigger-long-running-operation',
      arguments: args,
      _meta: { progressToken: 0 },
    });
    const progressTokenStart = plain.lastIndexOf('0}');
    const spans = {
      params: Buffer.from(plain),
      progressTokenStart,
      progressTokenEnd: progressTokenStart + 1,
    };
    const outcome = await send(channel, toolCall('', {}, spans)).outcome;
    expect(textOf(outcome)).toContain('completed');
    expect(outcome.notifications.map((notification) => notification.method)).toContain(
      'notifications/progress',
    );
  });

  it('asks the client of the call for sampling, and after the start for its roots', async () => {
    const channel = await channelOf(await config(), {
      capabilities: '{"sampling":{},"roots":{"listChanged":true}}',
    });
    const asked: string[] = [];
    channel.listen({
      onNotification: () => undefined,
      onServerRequest: (request, respond) => {
        asked.push(request.method);
        respond('result', Buffer.from('{"roots":[{"uri":"file:///here","name":"here"}]}'));
      },
      onClosed: () => undefined,
    });
    await until(() => asked.length > 0, 'the question for roots');
    expect(asked).toEqual(['roots/list']);
    const running = send(channel, toolCall('trigger-sampling-request', { prompt: 'say it', maxTokens: 10 }));
    const { request, respond } = await running.asked;
    expect(request.method).toBe('sampling/createMessage');
    respond(
      'result',
      Buffer.from('{"role":"assistant","model":"m","content":{"type":"text","text":"said it"}}'),
    );
    expect(textOf(await running.outcome)).toContain('said it');
  });
});

describe.each([
  ['stdio', fixtureOverStdio],
  ['Streamable HTTP', fixtureOverHttp],
])('a server of both eras on the official SDK, over %s', (_transport, config) => {
  it('is driven in the era of the client', async () => {
    const chosen = await config();
    const legacy = await channelOf(chosen);
    const modern = await channelOf(chosen, { preferredEra: 'modern', session: '' });
    expect([legacy.info.era, modern.info.era]).toEqual(['legacy', 'modern']);
    expect(textOf(await send(legacy, toolCall('echo', { text: 'old' })).outcome)).toContain('old');
    expect(textOf(await send(modern, modernCall('echo', { text: 'new' })).outcome)).toContain('new');
  });

  it('brings events of a modern subscription', async () => {
    const channel = await channelOf(await config(), { preferredEra: 'modern' });
    const plain = modernCall('', {}, { method: 'subscriptions/listen', name: '' });
    const meta = (JSON.parse(plain.params.toString()) as { _meta: unknown })._meta;
    const params = Buffer.from(JSON.stringify({ _meta: meta, notifications: { toolsListChanged: true } }));
    const spans = { params, progressTokenStart: -1, progressTokenEnd: -1 };
    const listening = send(channel, { ...plain, ...spans });
    await until(() => listening.notifications.length === 1, 'the acknowledgement');
    await send(channel, modernCall('test_trigger_tool_change')).outcome;
    await until(() => listening.notifications.length === 2, 'the event');
    expect(listening.notifications.map((notification) => notification.method)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
    ]);
    listening.cancel();
  });

  it('asks a legacy client, and resumes a stream that was closed in between', async () => {
    const channel = await channelOf(await config(), { capabilities: '{"sampling":{}}' });
    const running = send(channel, toolCall('test_sampling', { prompt: 'x' }));
    const { request, respond } = await running.asked;
    expect(request.method).toBe('sampling/createMessage');
    respond(
      'result',
      Buffer.from('{"role":"assistant","model":"m","content":{"type":"text","text":"sampled"}}'),
    );
    expect(textOf(await running.outcome)).toContain('sampled');
    const reconnected = await send(channel, toolCall('test_reconnection')).outcome;
    expect(reconnected.result).toBeDefined();
  });
});

describe('a server on the transport class of the 1.32 SDK, over HTTP+SSE', () => {
  it('is found, asks a legacy client, and reports list changes', async () => {
    const channel = await channelOf(await fixtureOverSse(), { capabilities: '{"sampling":{}}' });
    expect(channel.info.era).toBe('legacy');
    const running = send(channel, toolCall('test_sampling', { prompt: 'x' }));
    const { respond } = await running.asked;
    respond(
      'result',
      Buffer.from('{"role":"assistant","model":"m","content":{"type":"text","text":"sampled"}}'),
    );
    expect(textOf(await running.outcome)).toContain('sampled');
    const heard: string[] = [];
    channel.listen({
      onNotification: (notification) => heard.push(notification.method),
      onServerRequest: () => undefined,
      onClosed: () => undefined,
    });
    await send(channel, toolCall('test_trigger_tool_change')).outcome;
    await until(() => heard.includes('notifications/tools/list_changed'), 'the notice of the change');
  });

  it('does not know of a call whose stream is lost, and is connected again for the next', async () => {
    const fixture = await startFixtureSse();
    started.push(fixture);
    const server = startUpstreamServer('real', httpConfig(fixture.url), { log: silentLog });
    started.push({ [Symbol.asyncDispose]: () => server.close() });
    const { channel } = await server.acquire(scope());
    const sleeping = send(channel, toolCall('probe_sleep', { ms: 20_000 }));
    await send(channel, toolCall('echo', { text: 'taken' })).outcome;
    fixture.cutStreams();
    expect((await sleeping.outcome).error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const next = (await server.acquire(scope())).channel;
    expect(textOf(await send(next, toolCall('echo', { text: 'again' })).outcome)).toContain('again');
  });
});
