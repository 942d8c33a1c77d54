/**
 * Whether a tool's annotations say that a second run has no effect beyond the first (2026-07-28 server/tools,
 * "Tool annotations"): it is idempotent, or only reads. The server's word; nobody checks it.
 *
 * @param tool - raw JSON of the tool's definition, valid
 */
export function isRepeatable(tool: Buffer): boolean {
  if (!tool.includes('Hint') && !tool.includes('\\u')) return false;
  // Checked by the type of each member below.
  const { annotations } = JSON.parse(tool.toString('utf8')) as {
    annotations?: Record<string, unknown> | null;
  };
  return annotations?.['idempotentHint'] === true || annotations?.['readOnlyHint'] === true;
}
