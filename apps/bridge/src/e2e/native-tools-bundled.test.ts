import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { connectModernClient } from '@mcp-bridge/testkit';
import { bundleBridge } from './bundled-bridge.js';
import { modernConnection } from './connection.js';
import { startBridge } from './running-bridge.js';

const GREET = fileURLToPath(new URL('./fixtures/tools/greet.mjs', import.meta.url));

test('the command as plain JavaScript has its workers beside it', async () => {
  await using bundle = await bundleBridge();
  await using bridge = await startBridge({
    servers: {},
    config: { tools: [GREET] },
    command: bundle.command,
  });
  await using client = modernConnection((await connectModernClient(bridge.url)).client);
  const answer = JSON.parse(await client.call('tools__greet', { name: 'Ada' })) as { thread: number };
  expect(answer.thread).toBeGreaterThan(0);
}, 60_000);
