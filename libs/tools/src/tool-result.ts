/** One block of a result's content (MCP 2026-07-28 server/tools, "Tool Result"). */
export interface ContentBlock {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** A result in MCP's own form, for tools that choose their content themselves. */
export interface CallToolResult {
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

/**
 * What a handler returns: an MCP result (an object whose `content` is a list of blocks), or any other JSON value,
 * which becomes `structuredContent` with its JSON as text beside it. `undefined` is a result without content.
 */
export type ToolResult<Output = unknown> = CallToolResult | Output;
