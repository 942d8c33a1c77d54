import { type Revision, revisionOf, SUPPORTED_VERSIONS } from '@mcp-bridge/protocol';

/** Methods that any revision defines. */
const DEFINED: ReadonlySet<string> = new Set(
  SUPPORTED_VERSIONS.flatMap((version) => [...(revisionOf(version)?.methods.clientRequests ?? [])]),
);

/** Prefix of the methods that only gateways send to routers. */
const INTERNAL_PREFIX = 'session/';

/**
 * Whether a client of this revision may send this request at all. Methods that no revision defines are let
 * through, because an extension may define them: the router knows.
 */
export function isMethodOf(revision: Revision, method: string): boolean {
  const { clientRequests, extensionRequests } = revision.methods;
  if (clientRequests.has(method) || extensionRequests.has(method)) return true;
  return !DEFINED.has(method) && !method.startsWith(INTERNAL_PREFIX);
}
