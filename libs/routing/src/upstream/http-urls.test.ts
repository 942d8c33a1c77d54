import { readFile } from 'node:fs/promises';
import { startFaultyHttp } from '@mcp-bridge/testkit';
import type { FaultyHttp, FaultyHttpOptions } from '@mcp-bridge/testkit';
import type { HttpServerConfig } from '@mcp-bridge/service';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UpstreamChannel, UpstreamServer } from './channel.js';
import {
  httpConfig,
  modernCall,
  scope,
  send,
  silentLog,
  toolCall,
  until,
} from './fixtures/upstream-test-kit.js';
import type { Outcome } from './fixtures/upstream-test-kit.js';
import { startUpstreamServer } from './upstream-server.js';

// Real sockets on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const started: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.close();
});

async function faulty(options: FaultyHttpOptions = {}): Promise<FaultyHttp> {
  const server = await startFaultyHttp(options);
  started.push({ close: () => server.stop() });
  return server;
}

const SHORT_CHECKS = { timeout: 200, failures: 2, silence: 200, probe: 'mcp', path: '/' } as const;
const NO_CHECKS = { ...SHORT_CHECKS, interval: 0, silence: 0 };

function serverAt(urls: readonly FaultyHttp[], overrides: Partial<HttpServerConfig> = {}): UpstreamServer {
  const config = httpConfig(
    urls.map(({ url }) => url),
    { healthCheck: NO_CHECKS, ...overrides },
  );
  const server = startUpstreamServer('web', config, { log: silentLog, probeTimeoutMs: 1_000 });
  started.push(server);
  return server;
}

function call(channel: UpstreamChannel, name: string, tag: unknown, mayRepeat = false): Promise<Outcome> {
  return send(channel, modernCall(name, { tag }), { mayRepeat: () => mayRepeat }).outcome;
}

function textOf({ result, error }: Outcome): string {
  if (result === undefined) return error?.code ?? '';
  return /"text":"([^"]*)"/.exec(result.bytes.toString())?.[1] ?? '';
}

async function texts(channel: UpstreamChannel, count: number): Promise<string[]> {
  const outcomes = [];
  for (let tag = 0; tag < count; tag += 1) outcomes.push(textOf(await call(channel, 'write', tag)));
  return outcomes;
}

function states(server: UpstreamServer): string[] {
  return (server.urls ?? []).map(({ state }) => state);
}

describe('several URLs of one server', () => {
  it('take turns with the calls', async () => {
    const server = serverAt([await faulty({ name: 'a' }), await faulty({ name: 'b' })]);
    const channel = await server.catalogChannel();
    const answered = await texts(channel, 4);
    expect(answered.map((text) => text.slice(0, 1)).sort()).toEqual(['a', 'a', 'b', 'b']);
    expect(answered[0]?.slice(0, 1)).toBe(answered[2]?.slice(0, 1));
  });

  it('keep each caller at one of them by session-hash', async () => {
    const urls = [await faulty({ name: 'a' }), await faulty({ name: 'b' })];
    const channel = await serverAt(urls, { balance: 'session-hash' }).catalogChannel();
    const seen = new Map<string, Set<string>>();
    for (let index = 0; index < 40; index += 1) {
      const owner = `t\0p${index % 10}`;
      const text = textOf(await send(channel, modernCall('write', { tag: index }, { owner })).outcome);
      seen.set(owner, (seen.get(owner) ?? new Set()).add(text.slice(0, 1)));
    }
    expect([...seen.values()].map(({ size }) => size)).toEqual(Array.from({ length: 10 }, () => 1));
    expect(new Set([...seen.values()].flatMap((names) => [...names]))).toEqual(new Set(['a', 'b']));
  });

  it('are kept to by what continues a call there', async () => {
    const server = serverAt([await faulty({ name: 'a' }), await faulty({ name: 'b' })]);
    const channel = await server.catalogChannel();
    for (const rounds of [4, 4, 4]) {
      const asked = await call(channel, 'ask', 1);
      const [, requestState] = /"requestState":"([^"]*)"/.exec(asked.result?.bytes.toString() ?? '') ?? [];
      const params = Buffer.from(JSON.stringify({ name: 'ask', requestState, arguments: { tag: 2 } }));
      const names = new Set<string>();
      for (let round = 0; round < rounds; round += 1) {
        const request = modernCall('ask', {}, { params, progressTokenStart: -1, progressTokenEnd: -1 });
        names.add(textOf(await send(channel, request).outcome));
      }
      expect(names.size).toBe(1);
      // The next question goes to the other one.
      await call(channel, 'write', 3);
    }
  });

  it('are never called where they must not lead', async () => {
    const good = await faulty({ name: 'a' });
    const server = startUpstreamServer(
      'web',
      httpConfig(['https://10.0.0.1/mcp', good.url, 'https://[::ffff:192.168.0.1]/mcp'], {
        healthCheck: NO_CHECKS,
      }),
      { log: silentLog },
    );
    started.push(server);
    expect(await texts(await server.catalogChannel(), 3)).toEqual(['a:0', 'a:1', 'a:2']);
    expect(server.urls?.map(({ reason }) => reason)).toEqual([
      '10.0.0.1 is a private address',
      undefined,
      expect.stringContaining('is a private address'),
    ]);
  });

  it('start at another one when the first cannot be reached', async () => {
    const [dead, live] = [await faulty({ name: 'a' }), await faulty({ name: 'b' })];
    await dead.stop();
    const server = serverAt([dead, live]);
    expect((await server.catalogChannel()).info.era).toBe('modern');
    expect(server.state).toBe('ready');
  });

  it('lose no call when one goes away: what did not run is sent to another, within the budget', async () => {
    const [a, b] = [await faulty({ name: 'a' }), await faulty({ name: 'b' })];
    const server = serverAt([a, b], { breaker: { failures: 2, openFor: 10_000 } });
    const channel = await server.catalogChannel();
    await texts(channel, 40);
    await a.stop();
    const answered = await texts(channel, 20);
    expect(answered.filter((text) => text.startsWith('b'))).toHaveLength(20);
    expect(states(server)).toEqual(['open', 'closed']);
    expect(server.urls?.[0]).toMatchObject({
      index: 0,
      openings: 1,
      reason: 'cannot be reached (ECONNREFUSED)',
    });
  });

  it('never repeat a call that may have run, unless it may be repeated', async () => {
    const [a, b] = [await faulty({ name: 'a' }), await faulty({ name: 'b' })];
    const channel = await serverAt([a, b]).catalogChannel();
    await texts(channel, 40);
    a.mode = 'resets';
    const once = [textOf(await call(channel, 'write', 'w')), textOf(await call(channel, 'write', 'w'))];
    expect(once.sort()).toEqual(['OUTCOME_UNKNOWN', 'b:w']);
    const again = [
      textOf(await call(channel, 'again', 'r', true)),
      textOf(await call(channel, 'again', 'r', true)),
    ];
    expect(again).toEqual(['b:r', 'b:r']);
    expect(a.calls.filter((tag) => tag === 'w')).toHaveLength(1);
    expect(a.calls.filter((tag) => tag === 'r')).toHaveLength(1);
  });

  it('leave out one that does not answer health checks, and take it back', async () => {
    const [a, b] = [await faulty({ name: 'a' }), await faulty({ name: 'b' })];
    const server = serverAt([a, b], { healthCheck: { ...SHORT_CHECKS, interval: 50 } });
    const channel = await server.catalogChannel();
    a.mode = 'vanishes';
    await until(() => states(server)[0] === 'open', 'the first URL is out');
    expect(await texts(channel, 4)).toEqual(['b:0', 'b:1', 'b:2', 'b:3']);
    a.mode = 'works';
    await until(() => states(server)[0] === 'closed', 'the first URL is back');
    expect((await texts(channel, 2)).map((text) => text.slice(0, 1)).sort()).toEqual(['a', 'b']);
  });

  it.each(['http', 'tcp'] as const)('can be checked by %s', async (probe) => {
    const url = await faulty();
    const healthCheck = { ...SHORT_CHECKS, interval: 50, probe };
    const server = serverAt([url], { healthCheck });
    // The server answers 405 to GET: not healthy by `http`; by `tcp` while its port is open.
    const first = probe === 'http' ? 'open' : 'closed';
    await until(() => states(server)[0] === first, first);
    await url.stop();
    await until(() => states(server)[0] === 'open', 'open');
    await url.listen();
    await until(() => states(server)[0] !== 'open' || probe === 'http', 'back');
  });

  it('keep a legacy session where it began, and move it when its URL is out', async () => {
    const urls = [await faulty({ name: 'a', era: 'legacy' }), await faulty({ name: 'b', era: 'legacy' })];
    const server = serverAt(urls, { breaker: { failures: 1, openFor: 10_000 } });
    const { channel } = await server.acquire(scope());
    const ask = async (tag: string): Promise<string> =>
      textOf(await send(channel, toolCall('write', { tag })).outcome);
    const names = [await ask('1'), await ask('2'), await ask('3')].map((text) => text.slice(0, 1));
    expect(new Set(names).size).toBe(1);
    const home = urls[names[0] === 'a' ? 0 : 1];
    const other = names[0] === 'a' ? 'b' : 'a';
    await home?.stop();
    expect(await ask('4')).toMatch(/OUTCOME_UNKNOWN|UPSTREAM_UNAVAILABLE/);
    expect([await ask('5'), await ask('6')]).toEqual([`${other}:5`, `${other}:6`]);
  });
});

describe('a connection', () => {
  it.skipIf(process.platform !== 'linux')('is asked for signs of life by the kernel after 15 s', async () => {
    const url = await faulty();
    const channel = await serverAt([url]).catalogChannel();
    url.mode = 'vanishes';
    const silent = send(channel, modernCall('write', { tag: 1 }));
    await until(() => url.calls.length === 1, 'the call arrived');
    const port = Number(new URL(url.url).port).toString(16).toUpperCase().padStart(4, '0');
    const timers = async (): Promise<string[]> =>
      (await readFile('/proc/net/tcp', 'utf8'))
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , remote, state]) => remote?.endsWith(`:${port}`) === true && state === '01')
        .map((columns) => columns[5] ?? '');
    // Kind 02 is keep-alive; its rest in hundredths of a second, in hex. Until the last bytes are acknowledged it is 01.
    let rests: number[] = [];
    await vi.waitFor(async () => {
      const rows = await timers();
      expect(rows.every((timer) => timer.startsWith('02:'))).toBe(true);
      rests = rows.map((timer) => parseInt(timer.slice(3), 16));
    });
    expect(rests.length).toBeGreaterThan(0);
    for (const rest of rests) expect(rest).toBeLessThanOrEqual(1_500);
    silent.cancel();
  });
});

describe('the breaker of a URL', () => {
  it('refuses at once while it is open, tries again by one call, and closes', async () => {
    const url = await faulty();
    const server = serverAt([url], { breaker: { failures: 3, openFor: 100 } });
    const channel = await server.catalogChannel();
    url.mode = 'fails';
    expect(await texts(channel, 4)).toEqual([
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
      'UPSTREAM_UNAVAILABLE',
    ]);
    expect(server.state).toBe('backoff');
    const { error } = await call(channel, 'write', 'x');
    expect(error?.message).toMatch(
      /^Server "web" is not called for now: it answered 503; next attempt in \d+ ms$/,
    );
    expect(JSON.parse(error?.data ?? '')).toMatchObject({ retryAfterMs: expect.any(Number) as number });
    expect(url.calls).toHaveLength(3);
    url.mode = 'works';
    await until(() => states(server)[0] === 'half-open', 'the time is over');
    expect(textOf(await call(channel, 'write', 'y'))).toBe(':y');
    expect(states(server)).toEqual(['closed']);
  });

  it('tells that a call may have run although its second attempt cannot have', async () => {
    const url = await faulty();
    const server = serverAt([url], { breaker: { failures: 100, openFor: 100 } });
    const channel = await server.catalogChannel();
    await texts(channel, 10);
    url.mode = 'resets';
    const repeated = call(channel, 'again', 'r', true);
    await until(() => url.calls.includes('r'), 'the first attempt');
    await url.stop();
    expect(textOf(await repeated)).toBe('OUTCOME_UNKNOWN');
    expect(textOf(await call(channel, 'write', 'w'))).toBe('UPSTREAM_UNAVAILABLE');
  });

  it('opens when a call brings nothing and the URL does not answer to doubts', async () => {
    const url = await faulty();
    const server = serverAt([url], { healthCheck: { ...SHORT_CHECKS, interval: undefined } });
    const channel = await server.catalogChannel();
    url.mode = 'vanishes';
    const silent = send(channel, modernCall('write', { tag: 1 }));
    await until(() => states(server)[0] === 'open', 'out');
    expect(textOf(await call(channel, 'write', 2))).toBe('UPSTREAM_UNAVAILABLE');
    silent.cancel();
  });

  it('stays closed when one call is silent and the URL answers health checks', async () => {
    const url = await faulty();
    const server = serverAt([url], { healthCheck: { ...SHORT_CHECKS, interval: undefined, silence: 20 } });
    const channel = await server.catalogChannel();
    url.mode = 'vanishes';
    const silent = send(channel, modernCall('write', { tag: 1 }));
    await until(() => url.calls.length === 1, 'the call arrived');
    url.mode = 'works';
    const before = url.requests;
    await until(() => url.requests > before, 'a health check');
    await call(channel, 'write', 2);
    expect(states(server)).toEqual(['closed']);
    silent.cancel();
  });

  it('keeps retries within a tenth of the calls when everything fails', async () => {
    const url = await faulty();
    const server = serverAt([url], { breaker: { failures: 1_000, openFor: 100 } });
    const channel = await server.catalogChannel();
    await Promise.all(Array.from({ length: 90 }, (_, tag) => call(channel, 'again', tag, true)));
    url.mode = 'fails';
    await Promise.all(Array.from({ length: 10 }, (_, tag) => call(channel, 'again', `f${tag}`, true)));
    expect(url.calls).toHaveLength(110);
  });
});
