import { describe, expect, it } from 'vitest';
import { createBench, scriptedUpstream, tools } from './fixtures/scripted-upstream.js';

const names = (result: { tools?: { name: string }[] }): string[] =>
  result.tools?.map((tool) => tool.name) ?? [];

describe('all pages of an upstream', () => {
  it('follows cursors, the empty one included, in order', async () => {
    const pages: Record<string, object> = {
      first: { ...tools('a'), nextCursor: '' },
      '': { ...tools('b'), nextCursor: 'c2' },
      c2: tools('c'),
    };
    const server = scriptedUpstream('s', 'legacy', (_method, { cursor }) => pages[cursor ?? 'first'] ?? {});
    expect(names(await createBench([server]).list('tools', 's'))).toEqual(['a', 'b', 'c']);
    expect(server.asked).toEqual(['tools/list', 'tools/list ', 'tools/list c2']);
  });

  it('takes the shortest life and the narrowest scope of all pages', async () => {
    const server = scriptedUpstream('s', 'modern', (_method, { cursor }) =>
      cursor === undefined
        ? { ...tools('a'), nextCursor: 'n', ttlMs: 9000, cacheScope: 'public' }
        : { ...tools('b'), ttlMs: 40, cacheScope: 'private' },
    );
    expect(await createBench([server]).list('tools')).toMatchObject({ ttlMs: 40, cacheScope: 'private' });
  });

  it('stops when a server repeats a cursor', async () => {
    let page = 0;
    const server = scriptedUpstream('s', 'legacy', () => ({
      ...tools(`t${(page += 1)}`),
      nextCursor: 'same',
    }));
    const bench = createBench([server]);
    expect(names(await bench.list('tools', 's'))).toEqual(['t1', 't2']);
    expect(bench.warnings).toContainEqual(expect.objectContaining({ msg: 'list cut short' }));
  });

  it('stops at the bound on pages when a server never ends', async () => {
    let page = 0;
    const server = scriptedUpstream('s', 'legacy', () => ({
      ...tools(`t${(page += 1)}`),
      nextCursor: String(page),
    }));
    expect(names(await createBench([server]).list('tools', 's'))).toHaveLength(200);
  });

  it.each(['{}', '{"tools":{}}', '{"tools":[],"resultType":"input_required"}', '{"tools":[],"tools":[]}'])(
    'refuses the malformed list %s',
    async (raw) => {
      const bench = createBench([scriptedUpstream('s', 'legacy', () => raw)]);
      await expect(bench.list('tools', 's')).rejects.toMatchObject({
        code: 'UPSTREAM_PROTOCOL',
      });
    },
  );
});
