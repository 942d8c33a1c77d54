import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { createLegacyClient, createModernClient } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestBridge } from './testing/test-bridge.js';
import { TRANSPORT_NAMES, TRANSPORTS } from './testing/transports.js';

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await TestBridge.start();
});
afterAll(() => bridge[Symbol.asyncDispose]());

const ANSWERS = { sampling: () => 'the model says' };
const CLIENTS = {
  'the 1.32 SDK': () => createLegacyClient({ answers: ANSWERS }),
  'the 2.4 SDK, 2026-07-28': () => createModernClient({ answers: ANSWERS }),
  'the 2.4 SDK, negotiating': () => createModernClient({ answers: ANSWERS, negotiation: 'auto' }),
  'the 2.4 SDK, legacy': () => createModernClient({ answers: ANSWERS, negotiation: 'legacy' }),
};

describe.each(TRANSPORT_NAMES)('%s', (name) => {
  test.each(Object.entries(CLIENTS))('carries %s', async (_sdk, createClient) => {
    const client = createClient();
    await client.connect(TRANSPORTS[name](bridge));
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(
      expect.arrayContaining(['legacy__test_simple_text', 'modern__test_simple_text']),
    );
    for (const era of ['legacy', 'modern']) {
      // In mid-call the server asks for the client's model, in the way of its own era.
      const call = { name: `${era}__test_sampling`, arguments: { prompt: 'say it' } };
      expect(JSON.stringify(await client.callTool(call))).toContain('the model says');
    }
    await client.close();
  });

  test.each([
    ['the 1.32 SDK', createLegacyClient()],
    ['the 2.4 SDK', createModernClient()],
  ])('loses no progress that its reply overtakes in %s', async (_sdk, client) => {
    await client.connect(TRANSPORTS[name](bridge, { view: 'modern' }));
    const steps: number[] = [];
    const options = { onprogress: ({ progress }: { progress: number }) => void steps.push(progress) };
    const call = { name: 'probe_sleep', arguments: { ms: 0, steps: 20 } };
    // The second parameter of the 1.x SDK is a schema.
    await (client instanceof LegacyClient
      ? client.callTool(call, undefined, options)
      : client.callTool(call, options));
    expect(steps).toHaveLength(20);
    await client.close();
  });

  test('reaches one server by its name', async () => {
    const client = createModernClient();
    await client.connect(TRANSPORTS[name](bridge, { view: 'modern' }));
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain('test_simple_text');
    await client.close();
  });
});
