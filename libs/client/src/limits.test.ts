import { createLegacyClient } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTcpTransport } from './tcp/tcp-transport.js';
import { TestBridge } from './testing/test-bridge.js';
import { TRANSPORT_NAMES, TRANSPORTS } from './testing/transports.js';

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await TestBridge.start();
});
afterAll(() => bridge[Symbol.asyncDispose]());

const echo = (text: string) => ({ name: 'test_sampling', arguments: { prompt: text } });

test('a message that the bridge takes in no frame is refused before it is sent', async () => {
  const client = createLegacyClient();
  await client.connect(createTcpTransport({ port: bridge.tcpPort, view: 'legacy' }));
  const refused = client.callTool(echo('x'.repeat(2 * 1024 * 1024)));
  await expect(refused).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  await client.ping();
  await client.close();
});

test.each(TRANSPORT_NAMES)('thousands of requests at once are all answered over %s', async (name) => {
  const client = createLegacyClient();
  await client.connect(TRANSPORTS[name](bridge, { view: 'legacy' }));
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 900 }, () => client.ping()));
  }
  await client.close();
});

test('long messages cross in both directions, credit included', async () => {
  const client = createLegacyClient({ answers: { sampling: () => 'y'.repeat(900_000) } });
  await client.connect(createTcpTransport({ port: bridge.tcpPort, view: 'legacy' }));
  for (let round = 0; round < 8; round++) {
    const reply = await client.callTool(echo('x'.repeat(900_000)));
    expect(JSON.stringify(reply).length).toBeGreaterThan(900_000);
  }
  await client.close();
});
