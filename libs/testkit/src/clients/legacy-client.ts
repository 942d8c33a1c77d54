import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { capabilitiesOf, type ClientOptions } from './answers.js';

/** A connected client of the 1.x SDK. */
export interface LegacyClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
}

/** Connects the SDK's 1.32 client, which speaks 2025-11-25 and earlier, over Streamable HTTP. */
export async function connectLegacyClient(url: string, options: ClientOptions = {}): Promise<LegacyClient> {
  const client = createLegacyClient(options);
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...options.headers } },
  });
  // The SDK's own class has `sessionId: string | undefined` where its interface has an optional member.
  await client.connect(transport as Transport);
  return { client, transport, [Symbol.asyncDispose]: () => client.close() };
}

/** A 1.x client with its answers, for a transport of the test's own. */
export function createLegacyClient({ answers = {}, name = 'test-client' }: ClientOptions = {}): Client {
  const client = new Client({ name, version: '1.0.0' }, { capabilities: capabilitiesOf(answers) });
  const { sampling, elicitation, roots } = answers;
  if (sampling !== undefined)
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      role: 'assistant',
      model: 'test-model',
      content: { type: 'text', text: sampling(params) },
    }));
  if (elicitation !== undefined)
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      const content = await elicitation(params);
      return content === undefined ? { action: 'decline' } : { action: 'accept', content };
    });
  if (roots !== undefined)
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots().map((uri) => ({ uri })) }));
  return client;
}
