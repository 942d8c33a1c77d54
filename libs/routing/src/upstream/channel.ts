import type { BridgeError, Envelope } from '@mcp-bridge/protocol';

/** The era that an upstream speaks: `legacy` needs initialize and a session, `modern` is stateless. */
export type Era = 'legacy' | 'modern';

/** What an upstream said of itself in its initialize or discover result. Parsed JSON, not trusted further. */
export interface UpstreamInfo {
  readonly era: Era;
  readonly protocolVersion: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>> | undefined;
  readonly instructions: string | undefined;
}

/** One request towards an upstream. The channel chooses the id and overwrites the progress token with its own. */
export interface UpstreamRequest {
  readonly method: string;
  /** For the `Mcp-Name` header of modern HTTP upstreams, in the upstream's namespace; `''` for none. */
  readonly name: string;
  /** Raw JSON object, in the upstream's namespace and era (modern `_meta` already in place). */
  readonly params: Buffer;
  /** Position in `params` of the progress token's value to overwrite with the channel's own; `-1` for none. */
  readonly progressTokenStart: number;
  readonly progressTokenEnd: number;
  /** Extra headers for HTTP upstreams (`mcp-param-*`), lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Revision to announce in the version header of a modern HTTP upstream. */
  readonly protocolVersion: string;
  /** Monotonic milliseconds (`performance.now()`) by which the caller will give up; 0 for none. */
  readonly deadlineAt: number;
  /** The log level that this request asked for, `''` for none: who may receive log messages of a shared pipe. */
  readonly logLevel: string;
  /** `tenant\0principal`: requests of one owner may see each other's unattributable messages, others never. */
  readonly owner: string;
}

/** Receives what an upstream request brings back; one `onResult` or `onError`, exactly once, last. */
export interface UpstreamSink {
  /** A notification that belongs to this request (progress, log message, subscription event). */
  onNotification(notification: Envelope): void;
  /** Legacy upstreams only: a request to the client (sampling, elicitation, roots). Answer by `respond`. */
  onServerRequest(request: Envelope, respond: RespondToUpstream): void;
  /**
   * The upstream closed the request's stream in order and will be polled for the rest after `retryMs`
   * (2025-11-25, SEP-1699); the client's connection is not needed until then either.
   */
  onPolling?(retryMs: number): void;
  /**
   * Whether a tool call may be sent again although it may have run; asked only when that could help. Absent: no.
   * For other methods the channel knows itself.
   */
  mayRepeat?(): boolean;
  onResult(reply: Envelope): void;
  /** An error reply of the upstream (code, message and data kept) or a local failure from the error table. */
  onError(error: BridgeError): void;
}

/**
 * Answers a server-to-client request: `member` is `result` or `error`, `value` its raw JSON.
 * Calling it twice, or after the channel closed, does nothing.
 */
export type RespondToUpstream = (member: 'result' | 'error', value: Buffer) => void;

/** Hears what an upstream says outside any request. */
export interface UnsolicitedListener {
  onNotification(notification: Envelope): void;
  onServerRequest(request: Envelope, respond: RespondToUpstream): void;
  /**
   * The upstream forgot the session and a fresh one was made under the same channel: subscriptions and the log
   * level are gone. Restore them now, by requests on the channel; requests that were waiting follow after.
   */
  onReset?(): void;
  /** The channel is gone (process exit, session lost); requests in flight have been failed already. */
  onClosed(reason: BridgeError): void;
}

/** A request that was sent, for whoever may give it up. */
export interface UpstreamCall {
  /** Once it has ended, nothing. */
  cancel(reason?: string): void;
}

/** One live conversation with an upstream server: a child process's pipes, or an HTTP endpoint (and session). */
export interface UpstreamChannel {
  readonly info: UpstreamInfo;
  readonly closed: boolean;
  readonly inFlight: number;
  /**
   * Sends a request. Cancel closes the HTTP stream (modern) or sends `notifications/cancelled`; the sink hears
   * nothing after it. On a closed channel the sink hears UPSTREAM_UNAVAILABLE before this returns.
   */
  request(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall;
  notify(method: string, params: Buffer): void;
  /** At most one listener; setting it replaces the former. */
  listen(listener: UnsolicitedListener): void;
  close(): Promise<void>;
}

/**
 * Who a channel is for. Channels of different scopes never share a process or an upstream session, unless the
 * server is configured `shared` or is modern.
 */
export interface ChannelScope {
  readonly tenant: string;
  readonly principal: string;
  /** Legacy session id of the client; `''` for stateless callers. */
  readonly session: string;
  /** Raw JSON of the capabilities to declare to a legacy upstream. */
  readonly capabilities: string;
  /** Raw JSON of the client info to declare to a legacy upstream, or `''`. */
  readonly clientInfo: string;
  /**
   * The era that the client speaks. A server that speaks both is driven in this one, so that what passes
   * between equals passes unchanged; a server of one era is driven in its own.
   */
  readonly preferredEra: Era;
}

/** A channel on loan. Hand it back with `release`, once. */
export interface ChannelLease {
  readonly channel: UpstreamChannel;
  /** True when the channel serves one client only (session, or stateless caller): what it says is that client's. */
  readonly owned: boolean;
  release(): void;
}

/** One URL of a server that is reached over HTTP. */
export interface UpstreamUrlStatus {
  /** Position in `servers.<name>.url`. */
  readonly index: number;
  /** Scheme, host and port: paths and queries may hold secrets. */
  readonly origin: string;
  /** Of its circuit breaker. */
  readonly state: 'closed' | 'open' | 'half-open';
  /** Exchanges and streams under way. */
  readonly inFlight: number;
  /** How often it was taken out. */
  readonly openings: number;
  /** Why it is out. */
  readonly reason?: string;
}

/** One configured server: its era, its processes or sessions, its health. */
export interface UpstreamServer {
  readonly name: string;
  readonly state: 'idle' | 'starting' | 'ready' | 'backoff' | 'failed' | 'closed';
  /** Why the last start failed, for `_meta` of partial lists, the log and `/debug`. */
  readonly lastError: BridgeError | undefined;
  /** The URLs of a server over HTTP, and which of them are called. */
  readonly urls?: readonly UpstreamUrlStatus[] | undefined;
  /** The channel that lists and describes; shared by everybody, declares no client capabilities. */
  catalogChannel(): Promise<UpstreamChannel>;
  /**
   * The channel for this scope, started when needed. Modern upstreams and `shared` ones answer with a shared
   * channel; a legacy session gets its own. A stateless caller whose capabilities would let a legacy upstream
   * ask the client for input gets a channel of its own for the time of the lease.
   * No promise where the channel is there: the caller then waits for nothing.
   * @throws {BridgeError} UPSTREAM_UNAVAILABLE when the server is in backoff or does not start
   */
  acquire(scope: ChannelScope): ChannelLease | Promise<ChannelLease>;
  /** The live channel of a legacy session, if there is one; starts nothing. */
  existing(session: string): UpstreamChannel | undefined;
  /** Ends the channels of a legacy session. */
  endSession(session: string): Promise<void>;
  /**
   * Nobody comes any more: waits until what is in flight has ended, at most `timeoutMs`, then closes. Subscriptions
   * have to be undone before, as they never end.
   */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}
