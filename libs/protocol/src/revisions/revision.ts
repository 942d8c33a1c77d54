/** `legacy`: initialize, then a session. `modern`: every request carries its own version and capabilities. */
export type RevisionEra = 'legacy' | 'modern';

/** Which messages a revision knows. Extension methods are not in `clientRequests`. */
export interface RevisionMethods {
  readonly clientRequests: ReadonlySet<string>;
  readonly clientNotifications: ReadonlySet<string>;
  /** Requests a server may send to a client as JSON-RPC requests; empty in the modern era. */
  readonly serverRequests: ReadonlySet<string>;
  readonly serverNotifications: ReadonlySet<string>;
  /** Requests of extensions that the bridge carries for this revision. */
  readonly extensionRequests: ReadonlySet<string>;
  /** Methods whose complete results carry `ttlMs` and `cacheScope`. */
  readonly cacheable: ReadonlySet<string>;
  /** Methods that may be answered with `resultType: "input_required"`. */
  readonly inputRequired: ReadonlySet<string>;
}

/** What one protocol revision has, as far as the gateway and the router act on it. */
export interface Revision {
  readonly version: string;
  readonly era: RevisionEra;
  /** `sse` is HTTP+SSE (GET stream with an `endpoint` event); `streamable` is one path for POST, GET and DELETE. */
  readonly httpTransport: 'sse' | 'streamable' | 'post-only';
  /** A server must accept JSON-RPC batches. */
  readonly batches: boolean;
  /** When HTTP requests carry `MCP-Protocol-Version`. */
  readonly versionHeader: 'never' | 'after-initialize' | 'always';
  /** `Mcp-Session-Id` has a meaning. */
  readonly sessions: boolean;
  /** A broken stream can be resumed with `Last-Event-ID`. */
  readonly resumable: boolean;
  /** A server may close a stream early and have the client poll (SEP-1699). */
  readonly streamPolling: boolean;
  /** Closing the HTTP response of a request cancels the request. */
  readonly closeCancels: boolean;
  /** Every result carries `resultType`. */
  readonly resultType: boolean;
  /** What `structuredContent` of a tool result may be. */
  readonly structuredContent: 'none' | 'object' | 'any';
  readonly elicitationModes: readonly ('form' | 'url')[];
  /** A sampling request may offer tools. */
  readonly samplingTools: boolean;
  /** How tasks appear: not at all, as methods of the revision, or as the extension io.modelcontextprotocol/tasks. */
  readonly tasks: 'none' | 'core' | 'extension';
  /** Row of the error table for a resource that does not exist. */
  readonly resourceNotFound: 'RESOURCE_NOT_FOUND' | 'INVALID_PARAMS';
  readonly methods: RevisionMethods;
}
