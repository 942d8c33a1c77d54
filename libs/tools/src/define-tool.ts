import type { JsonSchema } from './json-schema.js';
import type { ToolDefinition } from './tool-definition.js';

/**
 * Defines a native tool; make it the default export of its module. Changes nothing: it is there for the types,
 * which come from the schema literals. The bridge checks definitions when it loads them.
 */
export function defineTool<const Input extends JsonSchema, const Output extends JsonSchema = JsonSchema>(
  definition: ToolDefinition<Input, Output>,
): ToolDefinition<Input, Output> {
  return definition;
}
