import type { LoadedTool } from './load-tool.js';
import { messageOf } from './load-tool.js';

/** Raw JSON of a result that says what went wrong, for the model to read (requirement 60). */
export function errorResult(text: string): string {
  return `{"resultType":"complete","content":[{"type":"text","text":${JSON.stringify(text)}}],"isError":true}`;
}

/**
 * What a handler returned, as the raw JSON of a result: an MCP result as it is, any other value as structured content
 * with its JSON as text beside it. What breaks the tool's `outputSchema`, or is no JSON, becomes an error result.
 */
export function resultOf(tool: LoadedTool, value: unknown): string {
  if (value instanceof Error) return errorResult(messageOf(value));
  try {
    return isCallToolResult(value) ? givenResult(tool, value) : structuredResult(tool, value);
  } catch (error) {
    return errorResult(`Tool ${tool.name} returned what is no JSON: ${messageOf(error)}`);
  }
}

function structuredResult(tool: LoadedTool, value: unknown): string {
  const fault = tool.validateOutput?.(value);
  if (fault !== undefined) return brokenOutput(tool, fault);
  if (value === undefined) return '{"resultType":"complete","content":[]}';
  // Functions and symbols have no JSON, and no error either.
  const json = (JSON.stringify(value) as string | undefined) ?? 'null';
  const text = typeof value === 'string' ? json : JSON.stringify(json);
  return `{"resultType":"complete","content":[{"type":"text","text":${text}}],"structuredContent":${json}}`;
}

function givenResult(tool: LoadedTool, result: Record<string, unknown>): string {
  if (tool.validateOutput !== undefined && result['isError'] !== true) {
    const fault = tool.validateOutput(result['structuredContent']);
    if (fault !== undefined) return brokenOutput(tool, fault);
  }
  // In front, where `replyEnvelope` expects it; a native tool has nothing to ask the client.
  const { resultType } = result;
  const json = JSON.stringify(resultType === undefined ? result : { ...result, resultType: undefined });
  // As of an object that makes its own JSON.
  if (!json.startsWith('{"')) throw new Error('its JSON has no content');
  return `{"resultType":"complete",${json.slice(1)}`;
}

function brokenOutput(tool: LoadedTool, fault: string): string {
  return errorResult(`Tool ${tool.name} returned a result that does not match its outputSchema: ${fault}`);
}

/** A list of blocks named `content` makes a value an MCP result. */
function isCallToolResult(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || !('content' in value)) return false;
  const { content } = value;
  return (
    Array.isArray(content) &&
    content.every((block: unknown) => typeof block === 'object' && block !== null && 'type' in block)
  );
}
