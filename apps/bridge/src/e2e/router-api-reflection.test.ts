import { createRequire } from 'node:module';
import { status, type ServiceError } from '@grpc/grpc-js';
import { createTempFolder, echoServerCommand } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DynamicGrpcClient } from './dynamic-grpc-client.js';
import { startBridge, type RunningBridge } from './running-bridge.js';

const TOKEN = 'the-link-token-of-this-test';
const ROUTER = 'mcp_bridge.router.v1.RouterService';
const HEALTH = 'grpc.health.v1.Health';
const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
let folder: Awaited<ReturnType<typeof createTempFolder>>;
let bridge: RunningBridge;
beforeAll(async () => {
  folder = await createTempFolder();
  const tokenFile = await folder.write('link-token', TOKEN);
  bridge = await startBridge({
    topology: 'two',
    servers: {
      echo: { ...echoServerCommand(), isolation: 'shared' },
      all: { command: process.execPath, args: [everything, 'stdio'] },
    },
    config: { link: { tokenFile } },
  });
}, 60_000);
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe.each(['v1', 'v1alpha'] as const)('a client that knows nothing but reflection %s', (version) => {
  let client: DynamicGrpcClient;
  beforeAll(() => void (client = new DynamicGrpcClient(bridge.routerAddress, TOKEN, version)));
  afterAll(() => client.close());

  test('finds the services, and not the link', async () => {
    expect((await client.services()).sort()).toEqual([HEALTH, ROUTER]);
    const types = await client.describe(ROUTER);
    expect(Object.keys(types.lookupService(ROUTER).methods)).toEqual([
      'Call',
      'CallStream',
      'CallBatch',
      'ListTools',
      'ListServers',
    ]);
    await expect(client.describe('mcp_bridge.link.v1.LinkService')).rejects.toThrow('not found');
  });

  test('calls a tool with what it found', async () => {
    const request = {
      caller: { tenant: 'billing' },
      tool: 'echo__echo',
      arguments_json: '{"text":"dynamic"}',
    };
    const reply = await client.call(ROUTER, 'Call', request);
    expect(reply['is_error']).toBe(false);
    expect(JSON.parse(reply['result_json'] as string)).toMatchObject({
      content: [{ type: 'text', text: 'dynamic' }],
    });
    const { servers } = await client.call(ROUTER, 'ListServers', {});
    expect(servers).toContainEqual(expect.objectContaining({ name: 'echo', state: 'ready' }));
  });

  test('reads why a call failed', async () => {
    const failed = await client
      .call(ROUTER, 'Call', { tool: 'nobody__knows' })
      .catch((error: ServiceError) => error);
    expect(failed).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await client.details(failed as ServiceError)).toMatchObject([
      {
        '@type': 'google.rpc.ErrorInfo',
        reason: 'INVALID_PARAMS',
        domain: 'mcp-bridge',
        // protobufjs reads maps of descriptors as what they are on the wire.
        metadata: [{ key: 'jsonRpcCode', value: '-32602' }],
      },
    ]);
  });

  test('asks for the health', async () => {
    for (const service of ['', ROUTER]) {
      expect(await client.call(HEALTH, 'Check', { service })).toEqual({ status: 'SERVING' });
    }
  });
});

test('nothing is told without the token', async () => {
  const stranger = new DynamicGrpcClient(bridge.routerAddress, 'not-the-token-of-this-test', 'v1');
  await expect(stranger.services()).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  stranger.close();
});

test('with the first moment of a drain the health turns; a call in flight ends well', async () => {
  const client = new DynamicGrpcClient(bridge.routerAddress, TOKEN, 'v1');
  const health = client.replies(HEALTH, 'Watch', {});
  expect((await health.next()).value).toEqual({ status: 'SERVING' });
  const slow = { tool: 'all__trigger-long-running-operation', arguments_json: '{"duration":1,"steps":2}' };
  const call = client.replies(ROUTER, 'CallStream', { call: slow });
  expect((await call.next()).value).toMatchObject({ progress: { progress: 1 } });

  const stopped = bridge.router.stop();
  expect((await health.next()).value).toEqual({ status: 'NOT_SERVING' });
  await expect(health.next()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect((await call.next()).value).toMatchObject({ progress: { progress: 2 } });
  expect((await call.next()).value).toMatchObject({ result: { is_error: false } });
  expect(await stopped).toEqual({ code: 0, signal: null });
  client.close();
});
