import { postgresPrograms, sendRaw } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createResources } from '../resources.js';
import { modernCall, startNativeBridge } from '../scenarios/native-bridge.js';
import { buildBridge, type BridgeTarget } from '../targets/bridge.js';
import { referenceTool, startToolServices } from '../targets/tool-services.js';

const WEATHER_MS = 20;

describe.skipIf(postgresPrograms() === undefined)('through a gateway and a router, by key', () => {
  const resources = createResources();
  let bridge: BridgeTarget;
  beforeAll(async () => {
    buildBridge(() => {});
    const services = resources.add(await startToolServices(WEATHER_MS));
    const tools = (['get-user', 'generate-report', 'fetch-weather', 'process-batch'] as const).map(
      referenceTool,
    );
    bridge = resources.add(await startNativeBridge({ tools, env: services.env }));
  }, 180_000);
  afterAll(() => resources[Symbol.asyncDispose]());

  async function callTool(name: string, args: Record<string, unknown>, headers = bridge.headers) {
    const call = modernCall('tools/call', { name: `tools__${name}`, arguments: args });
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: call.method, params: call.params });
    const accept = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    return await sendRaw(bridge.url, { headers: { ...accept, ...call.headers, ...headers }, body });
  }
  async function resultOf(name: string, args: Record<string, unknown>): Promise<unknown> {
    const { message } = await callTool(name, args);
    // Shown where a result was expected.
    return message.result ?? message;
  }

  test('get_user answers from PostgreSQL, and a user that is missing is its error', async () => {
    const user = { id: 7, name: 'User 7', email: 'user7@example.org', country: 'FR' };
    expect(await resultOf('get_user', { id: 7 })).toMatchObject({ structuredContent: user });
    expect(await resultOf('get_user', { id: 20_001 })).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: expect.stringContaining('There is no user 20001') as string }],
    });
  });

  test('generate_report answers from a worker thread with a pool of its own', async () => {
    expect(await resultOf('generate_report', { country: 'CH', users: 3 })).toMatchObject({
      structuredContent: { orders: 30, markdown: expect.stringContaining('| User 5 | 10 |') as string },
    });
  });

  test('fetch_weather waits for the slow service', async () => {
    const startedAt = performance.now();
    expect(await resultOf('fetch_weather', { city: 'Bern' })).toMatchObject({
      structuredContent: { city: 'Bern', celsius: 7 },
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(WEATHER_MS);
  });

  test('process_batch answers each of many callers with what is theirs', async () => {
    const items = Array.from({ length: 50 }, (_, at) => 'x'.repeat(at + 1));
    const results = await Promise.all(items.map((item) => resultOf('process_batch', { item })));
    expect(results).toMatchObject(items.map(({ length }) => ({ structuredContent: { stored: length } })));
  });

  test('arguments that the schema refuses do not reach a tool, and a caller without a key reaches none', async () => {
    const refused = await callTool('get_user', { id: 'seven' });
    expect(JSON.stringify(refused.message)).toContain('id');
    expect(refused.message.result ?? { isError: true }).toMatchObject({ isError: true });
    expect((await callTool('get_user', { id: 7 }, {})).status).toBe(401);
  });
});
