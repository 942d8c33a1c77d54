const ROOT = '/mcp';
const VIEW = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The view that a path names: `''` for the default one, undefined for a path that is none of MCP's. */
export function viewOf(path: string): string | undefined {
  if (path === ROOT || path === `${ROOT}/`) return '';
  if (!path.startsWith(`${ROOT}/`)) return undefined;
  const view = path.slice(ROOT.length + 1);
  return VIEW.test(view) ? view : undefined;
}

/** What to say of other paths. */
export const NO_SUCH_PATH =
  'Nothing is served here; the MCP endpoint is /mcp, or /mcp/ and the name of a server or view';
