const ROOT = '/mcp';
const SSE_ROOT = '/sse';
const VIEW = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The view that a path names: `''` for the default one, undefined for a path that is none of MCP's. */
export function viewOf(path: string): string | undefined {
  return viewBelow(ROOT, path);
}

/** The view of an event stream of the HTTP+SSE transport; undefined for other paths. */
export function sseViewOf(path: string): string | undefined {
  return viewBelow(SSE_ROOT, path);
}

function viewBelow(root: string, path: string): string | undefined {
  if (path === root || path === `${root}/`) return '';
  if (!path.startsWith(`${root}/`)) return undefined;
  const view = path.slice(root.length + 1);
  return VIEW.test(view) ? view : undefined;
}

/** What to say of other paths. */
export const NO_SUCH_PATH =
  'Nothing is served here; the MCP endpoint is /mcp, or /mcp/ and the name of a server or view; /sse for 2024-11-05';
