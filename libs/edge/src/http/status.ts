import { type BridgeError, ERRORS } from '@mcp-bridge/protocol';

/** Status lines of the codes that the gateway sends. */
const STATUS_LINES: Readonly<Record<number, string>> = {
  200: '200 OK',
  202: '202 Accepted',
  204: '204 No Content',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  406: '406 Not Acceptable',
  409: '409 Conflict',
  413: '413 Content Too Large',
  415: '415 Unsupported Media Type',
  426: '426 Upgrade Required',
  499: '499 Client Closed Request',
  500: '500 Internal Server Error',
  502: '502 Bad Gateway',
  503: '503 Service Unavailable',
  504: '504 Gateway Timeout',
};

export function statusLine(status: number): string {
  return STATUS_LINES[status] ?? '500 Internal Server Error';
}

/** JSON-RPC codes for which 2026-07-28 demands a status, whoever made the error. */
const MODERN_STATUS: Readonly<Record<number, number>> = {
  [ERRORS.METHOD_NOT_FOUND.rpc]: 404,
  [ERRORS.HEADER_MISMATCH.rpc]: 400,
  [ERRORS.MISSING_CAPABILITY.rpc]: 400,
  [ERRORS.UNSUPPORTED_VERSION.rpc]: 400,
};

/**
 * The status of a modern client's call that failed after it was accepted. -32602 then speaks of the tool's or
 * the prompt's arguments and stays in the body, as the SDKs have it; 400 is for requests that are malformed.
 */
export function modernCallStatus(error: BridgeError): number {
  if (error.code === 'INVALID_PARAMS') return 200;
  return MODERN_STATUS[error.rpcCode] ?? ERRORS[error.code].http;
}

/** Legacy clients read errors from the body; the status speaks only of the session and the credential. */
export function legacyCallStatus(error: BridgeError): number {
  return error.code === 'SESSION_NOT_FOUND' || error.code === 'UNAUTHENTICATED'
    ? ERRORS[error.code].http
    : 200;
}
