import { describe, expect, it } from 'vitest';
import {
  createBench,
  LEGACY,
  scriptedChannel,
  scriptedUpstream,
  tools,
} from './fixtures/scripted-upstream.js';

const UPSTREAMS = 'io.mcp-bridge/upstreams';
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

describe('discover', () => {
  const capabilities = {
    tools: {},
    resources: { subscribe: true },
    logging: {},
    tasks: { list: {} },
    extensions: { 'io.modelcontextprotocol/tasks': {}, 'com.example/x': { a: 1 } },
    experimental: { y: {} },
  };

  it('describes a single server as itself', async () => {
    const bench = createBench([scriptedUpstream('s', 'modern', () => '', capabilities, 'Be kind.')]);
    expect(await bench.discover('s')).toEqual({
      resultType: 'complete',
      supportedVersions: expect.arrayContaining(['2026-07-28', '2025-11-25']) as string[],
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        logging: {},
        extensions: { 'io.modelcontextprotocol/tasks': {}, 'com.example/x': { a: 1 } },
        experimental: { y: {} },
      },
      instructions: 'Be kind.',
      ttlMs: 300_000,
      cacheScope: 'private',
      _meta: { [SERVER_INFO]: { name: 'real-s', version: '9' } },
    });
  });

  it('passes tasks between equals only', async () => {
    const legacy = createBench([scriptedUpstream('s', 'legacy', () => '', capabilities)]);
    expect((await legacy.discover('s', LEGACY))['capabilities']).toMatchObject({ tasks: { list: {} } });
    const crossed = (await legacy.discover('s'))['capabilities'];
    expect(crossed).not.toHaveProperty('tasks');
    expect(crossed).toHaveProperty('extensions', { 'com.example/x': { a: 1 } });
  });

  it('unites capabilities and joins instructions of several servers', async () => {
    const bench = createBench([
      scriptedUpstream(
        'a',
        'modern',
        () => '',
        { tools: {}, completions: {}, extensions: { 'x/y': {} } },
        'One.',
      ),
      scriptedUpstream('b', 'legacy', () => '', { prompts: {} }, 'Two.'),
    ]);
    const result = await bench.discover();
    expect(result['capabilities']).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      completions: {},
    });
    expect(result['instructions']).toMatch(/a__[^]*One\.[^]*b__[^]*Two\./);
    expect(result._meta).toMatchObject({ [SERVER_INFO]: { name: 'mcp-bridge' } });
  });

  it('does not wait for a server that is slow, and says so', async () => {
    const slow = scriptedUpstream('slow', 'legacy', () => '', { prompts: {} });
    const { connect } = slow;
    slow.connect = () => new Promise(() => undefined);
    const bench = createBench([scriptedUpstream('a', 'legacy', () => '', { tools: {} }), slow]);
    expect(await bench.discover()).toMatchObject({
      ttlMs: 0,
      capabilities: { tools: {}, prompts: {}, resources: {} },
      _meta: { [UPSTREAMS]: { slow: { state: 'ready' } } },
    });
    slow.connect = connect;
    expect((await bench.discover())['capabilities']).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
    });
  });

  it('is kept until a server describes itself anew', async () => {
    const server = scriptedUpstream('s', 'legacy', () => tools(), { tools: {} });
    const bench = createBench([server]);
    await bench.discover('s');
    const restarted = scriptedChannel('s', 'legacy', () => tools(), { tools: {}, prompts: {} });
    server.connect = () => Promise.resolve(restarted);
    expect((await bench.discover('s'))['capabilities']).not.toHaveProperty('prompts');
    await bench.list('tools', 's');
    expect((await bench.discover('s'))['capabilities']).toHaveProperty('prompts');
  });
});
