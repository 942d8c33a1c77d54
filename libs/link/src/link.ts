import type { BridgeError } from '@mcp-bridge/protocol';

/** Who calls. Tenant and principal are part of every cache key, session, pool and limit. */
export interface Principal {
  readonly tenant: string;
  readonly id: string;
}

/**
 * Positions inside `CallRequest.params` that the gateway's scan found, so that the router splices without
 * scanning again. Offsets are relative to the start of `params`; absent is `-1`. String spans include quotes.
 */
export interface ParamsSpans {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly metaStart: number;
  readonly metaEnd: number;
  readonly progressTokenStart: number;
  readonly progressTokenEnd: number;
}

/**
 * One call from a client on its way to a router. Besides the MCP methods there are the bridge's own:
 * `session/stream` (the legacy GET stream), `session/resume` (replay after `Last-Event-ID`) and
 * `session/end` (DELETE, idle).
 */
export interface CallRequest {
  readonly principal: Principal;
  /** `''` is the default view (every server, prefixed names); else the path segment after `/mcp/`. */
  readonly view: string;
  readonly method: string;
  /** Target in the client's namespace: tool or prompt name, resource URI, task id; `''` when there is none. */
  readonly name: string;
  /** Raw JSON object, validated; `{}` when the message had none. Not copied: do not mutate. */
  readonly params: Buffer;
  readonly spans: ParamsSpans;
  /** Raw JSON of the client's own request id; `null` when the call does not stem from a client request. */
  readonly clientRequestId: string;
  /** The protocol revision that this client speaks; results are adapted to it. */
  readonly protocolVersion: string;
  /** Raw JSON object of the client's capabilities. */
  readonly capabilities: string;
  /** Raw JSON object of the client's info, or `''`. */
  readonly clientInfo: string;
  /** Stable id of a legacy session, `''` for stateless callers. */
  readonly session: string;
  /** Log level asked for by this request (modern `_meta` logLevel), `''` for none. */
  readonly logLevel: string;
  /** Milliseconds until the call must have been answered; 0 for streams that stay open. */
  readonly timeoutMs: number;
  /**
   * Raw JSON object of the `Mcp-Param-*` headers of a modern HTTP client, lower-case names, `{}` when it sent none;
   * `''` for transports and eras that have no such headers, whose calls are not checked for them.
   */
  readonly paramHeaders: string;
  /** W3C trace context, `''` for none. */
  readonly traceparent: string;
  /**
   * Id of the router that holds what this call continues, `''` for any. When that router is gone the call goes to
   * another, which refuses it. Only the link looks at it.
   */
  readonly home: string;
  /** When not `''`, the router keeps this call's messages for replay under this stream id. */
  readonly replayStream: string;
}

/**
 * A router's word that a result may be given again without asking: to the same principal, and, if the call was of a
 * session, to that session. A session that has not asked yet has to ask, because only its router knows whether it ended.
 */
export interface KeepResult {
  /** For so many milliseconds, unless the router calls it stale before. */
  readonly forMs: number;
  /** The router's count of changes when the result was made; `StaleWatcher.onStale` tells of the next. */
  readonly epoch: number;
}

/** Hears from a router what may not be given again, whatever its `KeepResult` said. */
export interface StaleWatcher {
  /** Nothing that was given with an earlier epoch. */
  onStale(epoch: number): void;
  /** Nothing to this legacy session: it has ended, or has something of its own now. */
  onSessionStale(session: string): void;
}

/**
 * Receives what a call brings back. Exactly one of `onResult`, `onResultInParts` and `onError` is called, exactly once,
 * last, and nothing is called before `call` has returned its handle.
 */
export interface CallSink {
  /**
   * One whole JSON-RPC message to write to the client as it is: a notification of this call, or, towards
   * legacy clients only, a server-to-client request. Its answer comes back through `Link.input`.
   */
  onMessage(message: Buffer): void;
  /**
   * Raw JSON of the `result` member, already adapted to the client's revision.
   * @param keep - from a handler to its link, which may then answer the next such request itself
   */
  onResult(result: Buffer, keep?: KeepResult): void;
  /**
   * For sinks that can write a large result as it came: in place of `onResult`, the same bytes in several parts, in
   * order. Others get them put together, which copies them.
   */
  onResultInParts?(parts: readonly Buffer[]): void;
  /** The `error` member. Includes local failures of the link (`OUTCOME_UNKNOWN`, `OVERLOADED`, …). */
  onError(error: BridgeError): void;
}

/**
 * Why a call is cancelled. `client`: its caller gave up, went away or ran out of time. `link`: the gateway that
 * carried it is gone or leaving; a call with a `replayStream` then keeps running, because its client may resume
 * the stream through another gateway.
 */
export type CancelReason = 'client' | 'link';

/** A call in flight. */
export interface CallHandle {
  /** Cancels the call here and upstream; the sink hears nothing more. Idempotent. Default reason `client`. */
  cancel(reason?: CancelReason): void;
}

/**
 * A message of a legacy client that answers or concerns an earlier one: its reply to a server-to-client
 * request, `notifications/cancelled`, `notifications/roots/list_changed`, `notifications/initialized`.
 * Goes to the session's home router, whichever gateway it arrived at.
 */
export interface InputMessage {
  readonly principal: Principal;
  readonly view: string;
  readonly session: string;
  /** The whole JSON-RPC message, validated. */
  readonly message: Buffer;
}

/** The way from a gateway to its routers; the gRPC link and the in-process link behave alike. */
export interface Link {
  /**
   * Sends one call. Never retries: a tool call may have side effects.
   * Calls of one session, and inputs for it, go to the session's home router.
   */
  call(request: CallRequest, sink: CallSink): CallHandle;
  input(message: InputMessage): void;
  /** True when at least one router can take calls. */
  readonly ready: boolean;
  /** Waits for the calls in flight, then closes. After `timeoutMs` the rest end with `OUTCOME_UNKNOWN`. */
  drain(timeoutMs: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a router offers to the links that reach it; implemented by routing, called by both link kinds. */
export interface CallHandler {
  call(request: CallRequest, sink: CallSink): CallHandle;
  input(message: InputMessage): void;
  /**
   * Has a link told which results that were given with a `KeepResult` are not to be given again. Needed only of a
   * handler that gives any.
   * @returns ends it
   */
  watchStale?(watcher: StaleWatcher): () => void;
}
