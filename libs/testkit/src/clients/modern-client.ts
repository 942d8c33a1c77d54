import {
  Client,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { capabilitiesOf, type ClientOptions } from './answers.js';

/** A connected client of the 2.x SDK. */
export interface ModernClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
}

export interface ModernClientOptions extends ClientOptions {
  /** Default: pinned to 2026-07-28. `auto` falls back to a legacy session, `legacy` does not try. */
  readonly negotiation?: VersionNegotiationMode;
}

/** Connects the SDK's 2.4 client over Streamable HTTP. */
export async function connectModernClient(
  url: string,
  options: ModernClientOptions = {},
): Promise<ModernClient> {
  const client = createModernClient(options);
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...options.headers } },
  });
  await client.connect(transport);
  return { client, transport, [Symbol.asyncDispose]: () => client.close() };
}

/** A 2.x client with its answers, for a transport of the test's own. */
export function createModernClient({
  answers = {},
  name = 'test-client',
  negotiation = { pin: '2026-07-28' },
}: ModernClientOptions = {}): Client {
  const client = new Client(
    { name, version: '1.0.0' },
    { capabilities: capabilitiesOf(answers), versionNegotiation: { mode: negotiation } },
  );
  const { sampling, elicitation, roots } = answers;
  if (sampling !== undefined)
    client.setRequestHandler('sampling/createMessage', ({ params }) => ({
      role: 'assistant',
      model: 'test-model',
      content: { type: 'text', text: sampling(params) },
    }));
  if (elicitation !== undefined)
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      const content = await elicitation(params);
      return content === undefined ? { action: 'decline' } : { action: 'accept', content };
    });
  if (roots !== undefined)
    client.setRequestHandler('roots/list', () => ({ roots: roots().map((uri) => ({ uri })) }));
  return client;
}
