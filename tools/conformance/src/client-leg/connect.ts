import {
  connectLegacyClient,
  connectModernClient,
  openLegacySession,
  sendRaw,
  modernRequest,
  type ClientAnswers,
} from '@mcp-bridge/testkit';
import { z } from 'zod';

export type ClientEra = 'legacy' | 'modern';

export interface ListedTool {
  readonly name: string;
  readonly inputSchema: object;
}

/** What the clients of both SDKs have in common. */
export interface SdkClient {
  listTools(): Promise<{ readonly tools: readonly ListedTool[] }>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  listResources(): Promise<{ readonly resources: readonly { readonly uri: string }[] }>;
  readResource(params: { uri: string }): Promise<unknown>;
  listPrompts(): Promise<{ readonly prompts: readonly { readonly name: string }[] }>;
  getPrompt(params: { name: string }): Promise<unknown>;
}

export interface ConnectedClient extends AsyncDisposable {
  readonly client: SdkClient;
}

/** Connects the SDK's client of that era: 1.32 for `legacy`, 2.4 for `modern`. */
export async function connectClient(
  era: ClientEra,
  url: string,
  answers: ClientAnswers,
): Promise<ConnectedClient> {
  const connect = era === 'legacy' ? connectLegacyClient : connectModernClient;
  return await connect(url, { answers });
}

const ToolsResult = z.object({ tools: z.array(z.object({ name: z.string() })) });

/** The names of all tools that `url` lists. The 2.4 client hides some of them. */
export async function toolNamesOnTheWire(era: ClientEra, url: string): Promise<string[]> {
  const ask = async (): Promise<unknown> => {
    if (era === 'modern') return (await sendRaw(url, modernRequest('tools/list'))).message.result;
    const session = await openLegacySession(url);
    const { message } = await session.request('tools/list');
    await session.end();
    return message.result;
  };
  return ToolsResult.parse(await ask()).tools.map(({ name }) => name);
}
