export { defineTool } from './define-tool.js';
export type {
  BatchContext,
  BatchOptions,
  LogLevel,
  ToolAnnotations,
  ToolCall,
  ToolContext,
  ToolDefinition,
  ToolPrincipal,
} from './tool-definition.js';
export type { CallToolResult, ContentBlock, ToolResult } from './tool-result.js';
export type { FromSchema, JsonSchema } from './json-schema.js';
