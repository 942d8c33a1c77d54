import type { createLegacyClient, createModernClient } from '@mcp-bridge/testkit';

export interface CallOptions {
  readonly onprogress?: (update: { progress: number }) => void;
  readonly signal?: AbortSignal;
}

/** What a connected client of either SDK can do, in one shape. */
export interface Connection extends AsyncDisposable {
  toolNames(): Promise<string[]>;
  /** All text of the result. */
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<string>;
}

export function legacyConnection(client: ReturnType<typeof createLegacyClient>): Connection {
  return {
    toolNames: async () => namesOf(await client.listTools()),
    call: async (name, args = {}, options = {}) =>
      textOf(await client.callTool({ name, arguments: args }, undefined, options)),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

export function modernConnection(client: ReturnType<typeof createModernClient>): Connection {
  return {
    toolNames: async () => namesOf(await client.listTools()),
    call: async (name, args = {}, options = {}) =>
      textOf(await client.callTool({ name, arguments: args }, options)),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function textOf(result: object): string {
  // The SDKs have validated it; their types differ.
  const { content } = result as { readonly content: readonly { readonly text?: string }[] };
  return content.map(({ text }) => text ?? '').join('');
}

function namesOf({ tools }: { readonly tools: readonly { readonly name: string }[] }): string[] {
  return tools.map(({ name }) => name);
}
