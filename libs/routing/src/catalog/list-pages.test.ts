import { describe, expect, it } from 'vitest';
import { createBench, scriptedUpstream, tools } from './fixtures/scripted-upstream.js';
import type { Answer } from './fixtures/scripted-upstream.js';

const names = (result: { tools?: { name: string }[] }): string[] =>
  result.tools?.map((tool) => tool.name) ?? [];

describe('pages', () => {
  const five = (): Answer => tools('a', 'b', 'c', 'd', 'e');

  it('come in order, with cursors until the last one', async () => {
    const bench = createBench(
      [
        scriptedUpstream('s', 'modern', () => ({
          ...tools('a', 'b', 'c', 'd', 'e'),
          ttlMs: 9,
          cacheScope: 'public',
        })),
      ],
      { pageSize: 2 },
    );
    const seen: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await bench.list('tools', 's', { cursor });
      expect(page).toMatchObject({ resultType: 'complete', ttlMs: 9, cacheScope: 'public' });
      seen.push(names(page));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('keep their cursors across a re-fetch and on another replica', async () => {
    const one = createBench([scriptedUpstream('s', 'legacy', five)], { pageSize: 2 });
    const other = createBench([scriptedUpstream('s', 'legacy', five)], { pageSize: 2 });
    const { nextCursor: cursor } = await one.list('tools');
    one.catalog.invalidate('s', 'tools');
    expect(names(await one.list('tools', '', { cursor }))).toEqual(['s__c', 's__d']);
    expect(names(await other.list('tools', '', { cursor }))).toEqual(['s__c', 's__d']);
  });

  it('go on after a change elsewhere, and are refused when their item is gone', async () => {
    let list = ['a', 'b', 'c', 'd', 'e'];
    const bench = createBench([scriptedUpstream('s', 'legacy', () => tools(...list))], { pageSize: 2 });
    const { nextCursor: cursor } = await bench.list('tools');
    list = ['new', 'b', 'c', 'x'];
    bench.catalog.invalidate('s', 'tools');
    expect(names(await bench.list('tools', '', { cursor }))).toEqual(['s__c', 's__x']);
    list = ['a', 'c'];
    bench.catalog.invalidate('s', 'tools');
    await expect(bench.list('tools', '', { cursor })).rejects.toMatchObject({ rpcCode: -32602 });
  });

  it('refuse cursors that are forged, of another list, or empty', async () => {
    const bench = createBench(
      [
        scriptedUpstream('s', 'legacy', (method) =>
          method === 'tools/list' ? five() : { prompts: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
        ),
      ],
      { pageSize: 2 },
    );
    const { nextCursor: tool } = await bench.list('tools');
    const { nextCursor: prompt } = await bench.list('prompts');
    for (const cursor of ['', 'AAAA', `${tool}x`, prompt, '\0', '2']) {
      await expect(bench.list('tools', '', { cursor })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    }
    await expect(bench.list('tools', 's', { cursor: tool })).rejects.toMatchObject({
      code: 'INVALID_PARAMS',
    });
  });

  it('end early when they would be very large', async () => {
    const big = (name: string): object => ({ name, description: 'x'.repeat(1_500_000) });
    const server = scriptedUpstream('s', 'legacy', (_method, { cursor }) =>
      cursor === undefined
        ? { tools: [big('a'), big('b')], nextCursor: 'n' }
        : { tools: [big('c'), big('d')] },
    );
    const bench = createBench([server]);
    const first = await bench.list('tools');
    expect(names(first)).toEqual(['s__a', 's__b']);
    expect(names(await bench.list('tools', '', { cursor: first.nextCursor }))).toEqual(['s__c', 's__d']);
  });
});
