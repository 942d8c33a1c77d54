/**
 * A half-open byte range `[start, end)` into the scanned buffer. Absent ranges have `start === -1`.
 */
export interface Span {
  start: number;
  end: number;
}

/**
 * What a scan found in one JSON-RPC message: positions and the few decoded values that routing and policy
 * need. `params` and `result` are never materialised; they cross the bridge as the bytes that were validated.
 *
 * All offsets are absolute into `bytes`. A span of a JSON string includes its quotes.
 */
export interface Envelope {
  readonly bytes: Buffer;
  readonly kind: 'request' | 'notification' | 'result' | 'error';
  /** Raw JSON of the id (`1`, `"abc"`); absent on notifications and on error replies without an id. */
  readonly id: Span;
  /** Empty on replies. */
  readonly method: string;
  readonly params: Span;
  readonly result: Span;
  readonly error: Span;

  // Inside `params` (requests and notifications).
  /** Decoded `params.name`, `params.uri`, or `params.taskId`, whichever the method names its target by. */
  readonly name: string | undefined;
  readonly nameSpan: Span;
  readonly meta: Span;
  readonly progressToken: Span;
  readonly arguments: Span;
  readonly inputResponses: Span;
  readonly requestState: Span;
  /** `_meta["io.modelcontextprotocol/protocolVersion"]`: its presence makes a request modern. */
  readonly protocolVersion: string | undefined;
  readonly clientCapabilities: Span;
  readonly clientInfo: Span;
  readonly logLevel: string | undefined;

  // Inside `result` (replies).
  readonly resultType: string | undefined;
  readonly resultMeta: Span;
}
