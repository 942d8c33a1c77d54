/**
 * The one error table: every error that the bridge itself makes has a row here. `rpc` is the JSON-RPC code on
 * the wire, `http` the status when the whole reply is that error, `grpc` the status number of google.rpc.Code,
 * `retry` whether repeating the call unchanged is safe.
 *
 * Codes below -32000 are the specification's (JSON-RPC 2.0; MCP 2026-07-28 basic/index, "Error Codes");
 * -31001 and up are ours, outside the reserved range.
 */
export const ERRORS = {
  PARSE_ERROR: { rpc: -32700, http: 400, grpc: 3, retry: false },
  INVALID_REQUEST: { rpc: -32600, http: 400, grpc: 3, retry: false },
  METHOD_NOT_FOUND: { rpc: -32601, http: 404, grpc: 12, retry: false },
  INVALID_PARAMS: { rpc: -32602, http: 400, grpc: 3, retry: false },
  INTERNAL: { rpc: -32603, http: 500, grpc: 13, retry: false },
  HEADER_MISMATCH: { rpc: -32020, http: 400, grpc: 3, retry: false },
  MISSING_CAPABILITY: { rpc: -32021, http: 400, grpc: 9, retry: false },
  UNSUPPORTED_VERSION: { rpc: -32022, http: 400, grpc: 9, retry: false },
  /** 2025-11-25 and earlier only; towards modern clients it becomes INVALID_PARAMS. */
  RESOURCE_NOT_FOUND: { rpc: -32002, http: 200, grpc: 5, retry: false },
  /** Unknown, foreign or ended session; answered 404 without a byte of content about it. */
  SESSION_NOT_FOUND: { rpc: -32600, http: 404, grpc: 5, retry: false },
  PAYLOAD_TOO_LARGE: { rpc: -32600, http: 413, grpc: 8, retry: false },
  UNAUTHENTICATED: { rpc: -31008, http: 401, grpc: 16, retry: false },
  UPSTREAM_UNAVAILABLE: { rpc: -31001, http: 503, grpc: 14, retry: true },
  DEADLINE_EXCEEDED: { rpc: -31002, http: 504, grpc: 4, retry: false },
  OVERLOADED: { rpc: -31003, http: 503, grpc: 8, retry: true },
  UPSTREAM_PROTOCOL: { rpc: -31004, http: 502, grpc: 13, retry: false },
  OUTCOME_UNKNOWN: { rpc: -31005, http: 502, grpc: 2, retry: false },
  DRAINING: { rpc: -31006, http: 503, grpc: 14, retry: true },
  DENIED: { rpc: -31007, http: 403, grpc: 7, retry: false },
  /** The caller went away or cancelled; never written to a client. */
  CANCELLED: { rpc: -31009, http: 499, grpc: 1, retry: false },
  /** An error reply that an upstream made; its own code, message and data pass through. */
  UPSTREAM_ERROR: { rpc: 0, http: 200, grpc: 2, retry: false },
  /** The configuration is wrong; nothing was opened. */
  CONFIG_INVALID: { rpc: -32603, http: 500, grpc: 9, retry: false },
} as const satisfies Record<string, ErrorRow>;

export interface ErrorRow {
  readonly rpc: number;
  readonly http: number;
  readonly grpc: number;
  readonly retry: boolean;
}

export type ErrorCode = keyof typeof ERRORS;

export interface BridgeErrorOptions {
  readonly cause?: unknown;
  /** Raw JSON for the error's `data` member. */
  readonly data?: string;
  /** For UPSTREAM_ERROR: the JSON-RPC code that the upstream sent. */
  readonly rpcCode?: number;
}

/**
 * The only error that this code base throws on purpose. Switch on `code`, never on the message.
 * The message says what was wrong, where, and what to do; it never holds a secret.
 */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: ErrorCode;
  readonly data: string | undefined;
  /** The JSON-RPC code on the wire. */
  readonly rpcCode: number;

  constructor(code: ErrorCode, message: string, options: BridgeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
    this.rpcCode = options.rpcCode ?? ERRORS[code].rpc;
  }

  /** Any thrown value as a BridgeError; foreign errors become INTERNAL with the original as `cause`. */
  static from(error: unknown): BridgeError {
    if (error instanceof BridgeError) return error;
    return new BridgeError('INTERNAL', 'Internal error', { cause: error });
  }
}

/** The raw JSON of a reply's `error` member. */
export function errorMember(error: BridgeError): string {
  const data = error.data === undefined ? '' : `,"data":${error.data}`;
  return `{"code":${error.rpcCode},"message":${JSON.stringify(error.message)}${data}}`;
}
