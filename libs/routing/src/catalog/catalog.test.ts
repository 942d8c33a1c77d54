import { BridgeError } from '@mcp-bridge/protocol';
import { describe, expect, it } from 'vitest';
import { createBench, scriptedUpstream, tools } from './fixtures/scripted-upstream.js';

/** Lets everything run that waits for no timer. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('tool facts', () => {
  const annotated = {
    tools: [
      { name: 'a', inputSchema: { properties: { r: { type: 'string', 'x-mcp-header': 'R' } } } },
      { name: 'b' },
    ],
  };
  const caller = { tenant: 't', principal: 'p', session: '' };

  it('name the arguments that travel in headers', async () => {
    const { catalog } = createBench([
      scriptedUpstream('s', 'modern', () => annotated),
      scriptedUpstream('n', 'modern', () => tools('x')),
    ]);
    expect(catalog.hasParamHeaders('s')).toBeUndefined();
    expect((await catalog.toolDefinition('s', 'a', caller))?.paramHeaders).toEqual([
      { header: 'mcp-param-r', path: ['r'], type: 'string' },
    ]);
    expect((await catalog.toolDefinition('s', 'b', caller))?.paramHeaders).toEqual([]);
    expect(await catalog.toolDefinition('s', 'nope', caller)).toBeUndefined();
    await catalog.toolDefinition('n', 'x', caller);
    expect([catalog.hasParamHeaders('s'), catalog.hasParamHeaders('n')]).toEqual([true, false]);
  });

  it('do not cost a list per call, even when the server calls its list stale at once', async () => {
    const server = scriptedUpstream('s', 'modern', () => ({ ...annotated, ttlMs: 0, cacheScope: 'public' }));
    const bench = createBench([server]);
    for (let call = 0; call < 5; call += 1) await bench.catalog.toolDefinition('s', 'a', caller);
    expect(server.asked).toHaveLength(1);
    await bench.catalog.toolDefinition('s', 'a', caller, true);
    expect(server.asked).toHaveLength(2);
    bench.clock += 61_000;
    await bench.catalog.toolDefinition('s', 'a', caller);
    await turn();
    expect(server.asked).toHaveLength(3);
  });

  it('are unknown, not an error, when the server is down', async () => {
    const dead = scriptedUpstream('s', 'modern', () => annotated);
    dead.connect = () => Promise.reject(new BridgeError('UPSTREAM_UNAVAILABLE', 'gone'));
    expect(await createBench([dead]).catalog.toolDefinition('s', 'a', caller)).toBeUndefined();
  });
});
