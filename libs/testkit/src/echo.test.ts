import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it } from 'vitest';
import {
  connectLegacyClient,
  connectModernClient,
  createModernClient,
  echoServerCommand,
  modernRequest,
  sendRaw,
  startEchoHttp,
} from './index.js';

const CALL = { name: 'echo', arguments: { text: 'grüß "dich"\n' } };
const REPLY = [{ type: 'text', text: 'grüß "dich"\n' }];

describe('the echo server', () => {
  it.each(['legacy', { pin: '2026-07-28' }] as const)(
    'echoes over stdio to a client of %j',
    async (negotiation) => {
      const client = createModernClient({ negotiation });
      await client.connect(new StdioClientTransport(echoServerCommand()));
      try {
        expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
        expect((await client.callTool(CALL)).content).toEqual(REPLY);
      } finally {
        await client.close();
      }
    },
  );

  it('echoes over HTTP to both SDKs', async () => {
    await using server = await startEchoHttp();
    await using legacy = await connectLegacyClient(server.url);
    await using modern = await connectModernClient(server.url);
    expect((await legacy.client.callTool(CALL)).content).toEqual(REPLY);
    expect((await modern.client.callTool(CALL)).content).toEqual(REPLY);
  });

  it('knows nothing of the other era when told so', async () => {
    await using modern = await startEchoHttp({ era: 'modern' });
    await expect(connectLegacyClient(modern.url)).rejects.toThrow(/Unsupported protocol version/);
    await using legacy = await startEchoHttp({ era: 'legacy' });
    const reply = await sendRaw(legacy.url, modernRequest('server/discover'));
    expect(reply.message.error?.code).toBe(-32601);
  });
});
