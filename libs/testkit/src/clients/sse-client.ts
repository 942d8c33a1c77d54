import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { ClientOptions } from './answers.js';
import { createLegacyClient } from './legacy-client.js';

/** A connected client of the 1.x SDK over HTTP+SSE. */
export interface SseClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: SSEClientTransport;
}

/** Connects the SDK's 1.32 client over the HTTP+SSE transport of 2024-11-05; `url` is that of the event stream. */
export async function connectSseClient(url: string, options: ClientOptions = {}): Promise<SseClient> {
  const client = createLegacyClient(options);
  const transport = new SSEClientTransport(new URL(url), {
    requestInit: { headers: { ...options.headers } },
  });
  await client.connect(transport);
  return { client, transport, [Symbol.asyncDispose]: () => client.close() };
}
