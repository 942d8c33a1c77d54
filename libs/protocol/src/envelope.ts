/**
 * A half-open byte range `[start, end)` into the scanned buffer. Absent ranges have `start === -1`.
 */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The one absent span; envelopes share it. */
export const ABSENT: Span = { start: -1, end: -1 };

/**
 * What a scan found in one JSON-RPC message: positions and the few decoded values that routing and policy
 * need. `params` and `result` are never materialised; they cross the bridge as the bytes that were validated.
 *
 * All offsets are absolute into `bytes`. A span of a JSON string includes its quotes. Every envelope has every
 * field, in this order.
 */
export interface Envelope {
  readonly bytes: Buffer;
  /** The whole message without the whitespace around it; in a batch, one of several in `bytes`. */
  readonly message: Span;
  readonly kind: 'request' | 'notification' | 'result' | 'error';
  /** Raw JSON of the id (`1`, `"abc"`); absent on notifications and on error replies without an id. */
  readonly id: Span;
  /** Empty on replies. */
  readonly method: string;
  /** Always an object when present. */
  readonly params: Span;
  /** Always an object when present. */
  readonly result: Span;
  /** Always an object when present; `upstreamError` reads it. */
  readonly error: Span;

  // Inside `params` (requests and notifications).
  /**
   * Decoded target of the message: `params.name` (tools/call, prompts/get), `params.uri` (resources/read,
   * subscribe, unsubscribe, notifications/resources/updated), `params.taskId` (tasks/*, notifications/tasks/*),
   * `params.ref.name` or `params.ref.uri` (completion/complete). Undefined when missing or when the method has
   * no target.
   */
  readonly name: string | undefined;
  /** The string that `name` was decoded from. */
  readonly nameSpan: Span;
  /** Always an object when present. */
  readonly meta: Span;
  /** `params._meta.progressToken`, or `params.progressToken` of notifications/progress: string or number. */
  readonly progressToken: Span;
  readonly arguments: Span;
  readonly inputResponses: Span;
  readonly requestState: Span;
  /** Decoded `params.cursor`; `""` is a valid cursor. */
  readonly cursor: string | undefined;
  readonly cursorSpan: Span;
  /** `params.requestId` of notifications/cancelled: string or integer. */
  readonly requestId: Span;
  /** Decoded `params.level` (logging/setLevel, notifications/message). */
  readonly level: string | undefined;
  /** `params.task`: a 2025-11-25 request that wants a task for a result. Always an object when present. */
  readonly task: Span;
  /** `_meta["io.modelcontextprotocol/protocolVersion"]`: its presence makes a request modern. */
  readonly protocolVersion: string | undefined;
  /** Always an object when present. */
  readonly clientCapabilities: Span;
  /** Always an object when present. */
  readonly clientInfo: Span;
  readonly logLevel: string | undefined;
  /** `_meta["io.modelcontextprotocol/subscriptionId"]` of params or of a result: rewritten per listener. */
  readonly subscriptionId: Span;
  /** Decoded `_meta.traceparent` (W3C trace context). */
  readonly traceparent: string | undefined;

  // Inside `result` (replies).
  /** Undefined when a legacy server did not send it. */
  readonly resultType: string | undefined;
  readonly resultTypeSpan: Span;
  /** Always an object when present. */
  readonly resultMeta: Span;
  /** `result._meta["io.modelcontextprotocol/serverInfo"]`. */
  readonly resultServerInfo: Span;
  readonly ttlMs: Span;
  readonly cacheScope: Span;
  readonly nextCursor: Span;
  /** `result.inputRequests` of an `input_required` result. */
  readonly inputRequests: Span;
  /** `result.requestState` of an `input_required` result. */
  readonly resultRequestState: Span;
}
