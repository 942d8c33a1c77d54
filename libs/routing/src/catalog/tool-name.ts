/** Requirement 59. Prompts have no such rule in the specification. */
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** True when a client can be expected to accept this tool name (requirement 59). */
export function isValidToolName(name: string): boolean {
  return TOOL_NAME.test(name);
}
