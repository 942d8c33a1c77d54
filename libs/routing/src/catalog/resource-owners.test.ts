import { describe, expect, it } from 'vitest';
import { createBench, scriptedUpstream } from './fixtures/scripted-upstream.js';
import type { Answer } from './fixtures/scripted-upstream.js';

describe('resource owners', () => {
  const resources =
    (uris: string[], templates: string[] = []) =>
    (method: string): Answer =>
      method === 'resources/list'
        ? { resources: uris.map((uri) => ({ uri, name: uri })) }
        : { resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate })) };
  const caller = { tenant: 't', principal: 'p', session: '' };

  it('are found by list, then by template, in the order of the view', async () => {
    const { catalog, views } = createBench([
      scriptedUpstream('a', 'legacy', resources([], ['x://{any}'])),
      scriptedUpstream('b', 'legacy', resources(['x://listed'], ['x://{any}', 'y://{any}'])),
    ]);
    const view = views.requireView('');
    expect(await catalog.resourceOwner(view, 'x://listed', caller)).toBe('b');
    expect(await catalog.resourceOwner(view, 'x://other', caller)).toBe('a');
    expect(await catalog.resourceOwner(view, 'y://other', caller)).toBe('b');
    expect(await catalog.resourceOwner(view, 'z://other', caller)).toBeUndefined();
  });

  it("need no list in a single server's view", async () => {
    const server = scriptedUpstream('a', 'legacy', resources([]));
    const { catalog, views } = createBench([server]);
    expect(await catalog.resourceOwner(views.requireView('a'), 'any://thing', caller)).toBe('a');
    expect(server.asked).toEqual([]);
  });

  it('do not include servers whose resource the view hides', async () => {
    const none = { deny: [] };
    const upstreams = ['a', 'b'].map((name) => scriptedUpstream(name, 'legacy', resources(['x://1'])));
    const { catalog, views } = createBench(upstreams, {
      views: { v: { servers: ['a', 'b'], tools: none, prompts: none, resources: { deny: ['x://*'] } } },
    });
    expect(await catalog.resourceOwner(views.requireView('v'), 'x://1', caller)).toBeUndefined();
  });

  it('are asked again when a list that is out of date does not know the URI', async () => {
    const uris = ['x://1'];
    const upstreams = [
      scriptedUpstream('a', 'legacy', resources([])),
      scriptedUpstream('b', 'legacy', resources(uris)),
    ];
    const bench = createBench(upstreams);
    const view = bench.views.requireView('');
    expect(await bench.catalog.resourceOwner(view, 'x://2', caller)).toBeUndefined();
    uris.push('x://2');
    bench.clock += 300_001;
    expect(await bench.catalog.resourceOwner(view, 'x://2', caller)).toBe('b');
  });

  it('are found for a template by its own text, as completion asks', async () => {
    const { catalog, views } = createBench([
      scriptedUpstream('a', 'legacy', resources([], ['y://{z}'])),
      scriptedUpstream('b', 'legacy', resources([], ['x://list{?q}'])),
    ]);
    expect(await catalog.resourceOwner(views.requireView(''), 'x://list{?q}', caller)).toBe('b');
  });

  it('are the only server that has resources, when no list knows the URI', async () => {
    const { catalog, views } = createBench([
      scriptedUpstream('a', 'legacy', resources([]), { tools: {} }),
      scriptedUpstream('b', 'legacy', resources([])),
    ]);
    expect(await catalog.resourceOwner(views.requireView(''), 'unlisted://1', caller)).toBe('b');
  });

  it('do not wait for a slow server when another lists the URI', async () => {
    const slow = scriptedUpstream('slow', 'legacy', () => new Promise(() => undefined));
    const bench = createBench([slow, scriptedUpstream('quick', 'legacy', resources(['x://1']))], {
      listTimeout: 600_000,
    });
    const view = bench.views.requireView('');
    await bench.list('resources', 'quick');
    expect(await bench.catalog.resourceOwner(view, 'x://1', caller)).toBe('quick');
  });
});
