import { describe, expect, it } from 'vitest';
import type { UpstreamChannel } from '../upstream/channel.js';
import {
  createBench,
  deferred,
  LEGACY,
  scriptedChannel,
  scriptedUpstream,
  tools,
} from './fixtures/scripted-upstream.js';
import type { Answer } from './fixtures/scripted-upstream.js';

const names = (result: { tools?: { name: string }[] }): string[] =>
  result.tools?.map((tool) => tool.name) ?? [];
/** Lets everything run that waits for no timer. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('keeping lists', () => {
  it('hands out the same Buffer until the list expires', async () => {
    const server = scriptedUpstream('s', 'modern', () => ({
      ...tools('a'),
      ttlMs: 1000,
      cacheScope: 'public',
    }));
    const bench = createBench([server]);
    const first = await bench.raw('tools');
    expect(await bench.raw('tools', '', { principal: 'other' })).toBe(first);
    bench.clock += 999;
    expect(await bench.raw('tools')).toBe(first);
    expect(server.asked).toHaveLength(1);
    bench.clock += 1;
    expect(await bench.raw('tools')).toBe(first);
    expect(server.asked).toHaveLength(2);
  });

  it('asks again at once after a change notice', async () => {
    let name = 'old';
    const server = scriptedUpstream('s', 'legacy', () => tools(name));
    const bench = createBench([server]);
    await bench.list('tools');
    name = 'new';
    expect(names(await bench.list('tools'))).toEqual(['s__old']);
    bench.catalog.invalidate('s', 'tools');
    expect(names(await bench.list('tools'))).toEqual(['s__new']);
  });

  it('drops templates with the resources, for which there is one notice', async () => {
    const server = scriptedUpstream('s', 'legacy', () => ({ resourceTemplates: [] }));
    const bench = createBench([server]);
    await bench.list('resourceTemplates');
    bench.catalog.invalidate('s', 'resources');
    await bench.list('resourceTemplates');
    expect(server.asked).toHaveLength(2);
  });

  it('does not keep an answer that was on its way when the change was announced', async () => {
    const answers = [deferred<Answer>(), deferred<Answer>()];
    let asked = 0;
    const server = scriptedUpstream('s', 'legacy', () => answers[asked++]?.promise ?? '');
    const bench = createBench([server]);
    const before = bench.list('tools', 's');
    await turn();
    bench.catalog.invalidate('s', 'tools');
    const after = bench.list('tools', 's');
    await turn();
    answers[1]?.resolve(tools('new'));
    expect(names(await after)).toEqual(['new']);
    answers[0]?.resolve(tools('old'));
    expect(names(await before)).toEqual(['old']);
    expect(names(await bench.list('tools', 's'))).toEqual(['new']);
    expect(asked).toBe(2);
  });

  it('asks once for a thousand callers at once', async () => {
    const server = scriptedUpstream('s', 'modern', () => ({
      ...tools('a'),
      ttlMs: 1000,
      cacheScope: 'public',
    }));
    const bench = createBench([server]);
    const all = Array.from({ length: 1000 }, (_, index) =>
      bench.raw('tools', '', { principal: `p${index}` }),
    );
    expect(new Set(await Promise.all(all)).size).toBe(1);
    expect(server.asked).toHaveLength(1);
  });

  it('never shows a private list to another principal or tenant', async () => {
    let asked = 0;
    const server = scriptedUpstream('s', 'modern', () => {
      asked += 1;
      return { ...tools(`secret${asked}`), ttlMs: 1000, cacheScope: 'private' };
    });
    const bench = createBench([server]);
    const callers = [{}, { principal: 'q' }, { tenant: 'u' }, {}, { principal: 'q' }];
    const lists = await Promise.all(callers.map((caller) => bench.list('tools', '', caller)));
    expect(names(lists[0] ?? {})).toEqual(names(lists[3] ?? {}));
    expect(names(lists[1] ?? {})).toEqual(names(lists[4] ?? {}));
    expect(new Set(lists.map((list) => names(list)[0])).size).toBe(3);
    expect(names(await bench.list('tools', '', { tenant: 'u' }))).toEqual(names(lists[2] ?? {}));
    expect(asked).toBe(3);
  });

  it('tells owners apart whose names run together', async () => {
    let asked = 0;
    const server = scriptedUpstream('s', 'modern', () => ({
      ...tools(`n${(asked += 1)}`),
      ttlMs: 1000,
      cacheScope: 'private',
    }));
    const bench = createBench([server]);
    const one = await bench.list('tools', '', { tenant: 'a', principal: '1:b' });
    const other = await bench.list('tools', '', { tenant: 'a:1', principal: 'b' });
    expect(names(one)).not.toEqual(names(other));
  });

  it('asks every time when the server says that a list is stale at once', async () => {
    const server = scriptedUpstream('s', 'modern', () => ({ ...tools('a'), ttlMs: 0, cacheScope: 'public' }));
    const bench = createBench([server]);
    await bench.list('tools');
    await bench.list('tools');
    expect(server.asked).toHaveLength(2);
  });

  it('logs a changed definition', async () => {
    let title = 'one';
    const server = scriptedUpstream('s', 'legacy', () => ({ tools: [{ name: 'a', title }, { name: 'b' }] }));
    const bench = createBench([server]);
    await bench.list('tools');
    title = 'two';
    bench.catalog.invalidate('s', 'tools');
    await bench.list('tools');
    expect(bench.warnings).toEqual([
      expect.objectContaining({ msg: 'definition changed', server: 's', item: 'a' }),
    ]);
  });
});

describe('sessions with a channel of their own', () => {
  function bench() {
    const server = scriptedUpstream('s', 'legacy', () => tools('common'));
    let extra = 'mine';
    const asked: string[] = [];
    const own: UpstreamChannel = scriptedChannel(
      's',
      'legacy',
      () => tools('common', extra),
      { tools: {} },
      '',
      asked,
    );
    server.sessions.set('s1', own);
    const change = (name: string): void => void (extra = name);
    return { server, asked, change, ...createBench([server]) };
  }

  it('see what their channel lists, others do not', async () => {
    const { list } = bench();
    expect(names(await list('tools', '', LEGACY))).toEqual(['s__common', 's__mine']);
    expect(names(await list('tools', '', { ...LEGACY, session: 's2' }))).toEqual(['s__common']);
    expect(names(await list('tools', '', LEGACY))).toEqual(['s__common', 's__mine']);
  });

  it('keep that list until the channel says that it changed', async () => {
    const { list, raw, asked, change, catalog, server } = bench();
    expect(await raw('tools', '', LEGACY)).toBe(await raw('tools', '', LEGACY));
    expect(asked).toHaveLength(1);
    await list('tools');
    change('other');
    catalog.invalidate('s', 'tools', 's1');
    expect(names(await list('tools', '', LEGACY))).toEqual(['s__common', 's__other']);
    await list('tools');
    expect(server.asked).toHaveLength(1);
  });

  it('see the common list while their own channel is slow to tell', async () => {
    const { list, server } = bench();
    await list('tools');
    server.sessions.set(
      's1',
      scriptedChannel('s', 'legacy', () => new Promise(() => undefined), { tools: {} }),
    );
    const result = await list('tools', '', LEGACY);
    expect(names(result)).toEqual(['s__common']);
    expect(result._meta).toHaveProperty(['io.mcp-bridge/upstreams', 's', 'stale'], true);
  });
});
