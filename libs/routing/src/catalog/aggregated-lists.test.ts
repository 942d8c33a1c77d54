import { BridgeError } from '@mcp-bridge/protocol';
import { describe, expect, it } from 'vitest';
import { createBench, deferred, LEGACY, scriptedUpstream, tools } from './fixtures/scripted-upstream.js';
import type { Answer } from './fixtures/scripted-upstream.js';

const UPSTREAMS = 'io.mcp-bridge/upstreams';
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
const names = (result: { tools?: { name: string }[] }): string[] =>
  result.tools?.map((tool) => tool.name) ?? [];
/** Lets everything run that waits for no timer. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('aggregated lists', () => {
  it('prefixes names and keeps the order of configuration and servers', async () => {
    const bench = createBench([
      scriptedUpstream('b', 'legacy', () => tools('z', 'a')),
      scriptedUpstream('a', 'modern', () => ({ ...tools('m'), ttlMs: 1000, cacheScope: 'public' })),
    ]);
    expect(names(await bench.list('tools'))).toEqual(['b__z', 'b__a', 'a__m']);
    expect(names(await bench.list('tools', 'b'))).toEqual(['z', 'a']);
  });

  it('passes definitions byte by byte, only the name is spliced', async () => {
    const rest =
      '"inputSchema":{"$schema":"x","const":12345678901234567890,"const":1.0e5,"unevaluatedProperties":false} ,"_meta":{"vendor/x":[1]},"icons":[]}';
    const raw = `{"tools":[{ "title":"T", "name" : "get\\u005fit" ,${rest}],"other":1}`;
    const bench = createBench([scriptedUpstream('s', 'legacy', () => raw)]);
    expect((await bench.raw('tools')).toString()).toContain(`{ "title":"T", "name" : "s__get_it" ,${rest}`);
    expect((await bench.raw('tools', 's')).toString()).toContain(
      `{ "title":"T", "name" : "get\\u005fit" ,${rest}`,
    );
  });

  it('renames prompts but neither resources nor templates', async () => {
    const bench = createBench([
      scriptedUpstream('s', 'legacy', (method) =>
        method === 'prompts/list'
          ? { prompts: [{ name: 'p' }] }
          : method === 'resources/list'
            ? { resources: [{ uri: 'x://1', name: 'one' }] }
            : { resourceTemplates: [{ uriTemplate: 'x://{id}', name: 'any' }] },
      ),
    ]);
    expect((await bench.list('prompts')).prompts).toEqual([{ name: 's__p' }]);
    expect((await bench.list('resources')).resources).toEqual([{ uri: 'x://1', name: 'one' }]);
    expect((await bench.list('resourceTemplates')).resourceTemplates).toEqual([
      { uriTemplate: 'x://{id}', name: 'any' },
    ]);
  });

  it('tells modern clients how long and for whom the list is good, and nothing of that to legacy ones', async () => {
    const bench = createBench([
      scriptedUpstream('a', 'modern', () => ({ ...tools('x'), ttlMs: 5000, cacheScope: 'public' })),
      scriptedUpstream('b', 'modern', () => ({ ...tools('y'), ttlMs: 9000, cacheScope: 'public' })),
      scriptedUpstream('c', 'legacy', () => tools('z')),
    ]);
    expect(await bench.list('tools', 'a')).toMatchObject({
      resultType: 'complete',
      ttlMs: 5000,
      cacheScope: 'public',
      _meta: { [SERVER_INFO]: { name: 'real-a', version: '9' } },
    });
    expect(await bench.list('tools')).toMatchObject({
      ttlMs: 5000,
      cacheScope: 'private',
      _meta: { [SERVER_INFO]: { name: 'mcp-bridge' } },
    });
    expect(Object.keys(await bench.list('tools', '', LEGACY))).toEqual(['tools']);
  });

  it('asks a modern server with the metadata that it needs, and a legacy one without', async () => {
    const modern = scriptedUpstream('a', 'modern', () => tools('x'));
    const legacy = scriptedUpstream('b', 'legacy', () => tools('x'));
    await createBench([modern, legacy]).list('tools');
    expect(modern.params).toEqual([
      {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'mcp-bridge', version: '0.1.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    ]);
    expect(legacy.params).toEqual([{}]);
  });

  it('does not ask a server without the capability, and takes an unknown method for an empty list', async () => {
    const without = scriptedUpstream('a', 'legacy', () => tools('x'), { prompts: {} });
    const unknown = scriptedUpstream('b', 'legacy', () => new BridgeError('METHOD_NOT_FOUND', 'no'));
    const bench = createBench([without, unknown]);
    expect(await bench.list('tools')).not.toHaveProperty(['_meta', UPSTREAMS]);
    expect(names(await bench.list('tools'))).toEqual([]);
    expect(without.asked).toEqual([]);
  });

  it('applies the globs of a view', async () => {
    const none = { deny: [] };
    const bench = createBench([scriptedUpstream('s', 'legacy', () => tools('read', 'write'))], {
      views: { safe: { servers: ['s'], tools: { deny: ['*__write'] }, prompts: none, resources: none } },
    });
    expect(names(await bench.list('tools', 'safe'))).toEqual(['s__read']);
  });

  it('leaves out names that clients cannot take, once in the log and always in the status', async () => {
    const long = 'x'.repeat(127);
    const bench = createBench([scriptedUpstream('s', 'legacy', () => tools('ok', long, 'with space'))]);
    expect(names(await bench.list('tools'))).toEqual(['s__ok']);
    await bench.list('tools', '', LEGACY);
    expect(bench.warnings.map((line) => line['item'])).toEqual([long, 'with space']);
    expect(names(await bench.list('tools', 's'))).toEqual(['ok', long, 'with space']);
  });

  it('leaves out items that two parsers could read differently or that have no name', async () => {
    const raw =
      '{"tools":[{"name":"a","n\\u0061me":"b"},{"title":"none"},7,{"name":"ok"},{"name":"ok","second":1}]}';
    const bench = createBench([scriptedUpstream('s', 'legacy', () => raw)]);
    expect((await bench.list('tools', 's')).tools).toEqual([{ name: 'ok' }]);
    expect(bench.catalog.status()[0]?.lists[0]?.excluded).toHaveLength(4);
  });

  it('excludes tools with broken header annotations of modern servers only', async () => {
    const bad = { name: 'bad', inputSchema: { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } } };
    const list = { tools: [bad, { name: 'good' }] };
    const bench = createBench([
      scriptedUpstream('m', 'modern', () => list),
      scriptedUpstream('l', 'legacy', () => list),
    ]);
    expect(names(await bench.list('tools'))).toEqual(['m__good', 'l__bad', 'l__good']);
    expect(bench.warnings).toContainEqual(expect.objectContaining({ server: 'm', item: 'bad' }));
  });

  it('lists a URI once, for the server that comes first', async () => {
    const bench = createBench([
      scriptedUpstream('a', 'legacy', () => ({ resources: [{ uri: 'x://1', name: 'of a' }] })),
      scriptedUpstream('b', 'legacy', () => ({
        resources: [{ uri: 'x://1', name: 'of b' }, { uri: 'x://2' }],
      })),
    ]);
    expect((await bench.list('resources')).resources).toEqual([
      { uri: 'x://1', name: 'of a' },
      { uri: 'x://2' },
    ]);
  });

  it("keeps vendor keys of a single server's list, bytes untouched", async () => {
    const raw = `{"tools":[],"_meta":{"${SERVER_INFO}":{"name":"lie"},"vendor/n":12345678901234567890}}`;
    const bench = createBench([scriptedUpstream('s', 'modern', () => raw)]);
    const text = (await bench.raw('tools', 's')).toString();
    expect(text).toContain('"vendor/n":12345678901234567890');
    expect(text).not.toContain('lie');
  });
});

describe('slow and dead servers', () => {
  it('answers without the slow one in time, and with it when it has answered', async () => {
    const late = deferred<Answer>();
    const slow = scriptedUpstream('slow', 'legacy', () => late.promise);
    const bench = createBench([scriptedUpstream('quick', 'legacy', () => tools('a')), slow]);
    expect(await bench.list('tools')).toMatchObject({
      tools: [{ name: 'quick__a' }],
      ttlMs: 0,
      _meta: {
        [UPSTREAMS]: { slow: { state: 'ready', message: expect.stringContaining('slow') as string } },
      },
    });
    expect((await bench.list('tools', '', LEGACY))._meta).toHaveProperty([UPSTREAMS, 'slow']);
    late.resolve(tools('b'));
    await turn();
    const complete = await bench.list('tools');
    expect(names(complete)).toEqual(['quick__a', 'slow__b']);
    expect(complete).not.toHaveProperty(['_meta', UPSTREAMS]);
    expect(slow.asked).toEqual(['tools/list']);
  });

  it('names the state and the reason of a server that is down, and logs it rarely', async () => {
    const dead = scriptedUpstream('dead', 'legacy', () => tools());
    dead.state = 'backoff';
    dead.connect = () => Promise.reject(new BridgeError('UPSTREAM_UNAVAILABLE', 'no such command'));
    const bench = createBench([scriptedUpstream('up', 'legacy', () => tools('a')), dead]);
    for (let round = 0; round < 3; round += 1) {
      expect((await bench.list('tools'))._meta).toMatchObject({
        [UPSTREAMS]: { dead: { state: 'backoff', message: 'no such command' } },
      });
    }
    expect(bench.warnings).toHaveLength(1);
    bench.clock += 31_000;
    await bench.list('tools');
    expect(bench.warnings).toHaveLength(2);
  });

  it('shows the last known list of a server that went down', async () => {
    const server = scriptedUpstream('s', 'legacy', () => tools('a'));
    const bench = createBench([server]);
    await bench.list('tools');
    server.connect = () => Promise.reject(new BridgeError('UPSTREAM_UNAVAILABLE', 'gone'));
    bench.clock += 300_001;
    expect(await bench.list('tools')).toMatchObject({
      tools: [{ name: 's__a' }],
      ttlMs: 0,
      _meta: { [UPSTREAMS]: { s: { message: 'gone', stale: true } } },
    });
  });

  it('does not show a list that its server called changed', async () => {
    const server = scriptedUpstream('s', 'legacy', () => tools('a'));
    const bench = createBench([server]);
    await bench.list('tools');
    bench.catalog.invalidate('s', 'tools');
    server.connect = () => Promise.reject(new BridgeError('UPSTREAM_UNAVAILABLE', 'gone'));
    expect(names(await bench.list('tools'))).toEqual([]);
  });

  it("fails with the server's own error in its own view", async () => {
    const dead = scriptedUpstream('dead', 'legacy', () => tools());
    dead.connect = () => Promise.reject(new BridgeError('UPSTREAM_UNAVAILABLE', 'no such command'));
    await expect(createBench([dead]).list('tools', 'dead')).rejects.toMatchObject({
      message: 'no such command',
    });
  });

  it("waits in a single server's view as long as the caller does", async () => {
    const answer = deferred<Answer>();
    const bench = createBench([scriptedUpstream('slow', 'legacy', () => answer.promise)]);
    const waiting = bench.list('tools', 'slow');
    const partial = await bench.list('tools');
    expect(partial._meta).toHaveProperty([UPSTREAMS, 'slow']);
    answer.resolve(tools('a'));
    expect(names(await waiting)).toEqual(['a']);
    const late = createBench([scriptedUpstream('slow', 'legacy', () => new Promise(() => undefined))]);
    const giveUp = late.list('tools', 'slow', { deadlineAt: late.clock + 10 });
    await expect(giveUp).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});
