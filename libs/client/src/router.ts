/**
 * The typed client of a router's gRPC API, for internal services. An entry of its own: MCP clients need no gRPC.
 */
export { createRouterClient } from '@mcp-bridge/link';
export type {
  BatchOutcome,
  RouterCaller,
  RouterClient,
  RouterClientOptions,
  ToolCall,
  ToolCallOptions,
  ToolEvent,
  ToolResult,
} from '@mcp-bridge/link';
