import {
  BridgeError,
  isBatch,
  requestMessage,
  scanEnvelope,
  scanMessages,
  upstreamError,
} from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { UpstreamInfo, UpstreamRequest } from '../channel.js';
import type { Refusal } from '../connector.js';
import {
  discoverRequest,
  initializeRequest,
  judgeDiscoverError,
  judgeDiscoverResult,
  readInitializeResult,
  versionToRetry,
} from '../handshake.js';
import type { Declaration, ProbeVerdict } from '../handshake.js';
import { exchangeFailure } from './exchange-failure.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { ExchangeEnd, HttpExchange } from './http-exchange.js';

/** Handshakes are the first requests of their session; ids of calls start at 1. */
const HANDSHAKE_ID = '0';
const MAX_SESSION_LENGTH = 1024;
/** What a server of the HTTP+SSE transport answers to a POST at the URL of its stream. */
const NOT_SERVED = [400, 404, 405];

/** A reply, or how the exchange ended without one. */
type Answer =
  | { readonly reply: Envelope; readonly status: number; readonly session: string }
  | { readonly end: ExchangeEnd };

/**
 * Asks the server for its era (2026-07-28 basic/transports/streamable-http, "Backward Compatibility").
 * `legacy` also stands for silence.
 * @throws {BridgeError} UPSTREAM_UNAVAILABLE when nothing can be concluded: no connection, 401, 403, 5xx, redirects
 */
export async function discover(endpoint: HttpEndpoint, timeoutMs: number): Promise<ProbeVerdict | 'silent'> {
  const answer = await askToDiscover(endpoint, discoverRequest(), timeoutMs);
  if (!(answer instanceof BridgeError)) return answer;
  const version = versionToRetry(answer);
  if (version === undefined) return judgeDiscoverError(answer);
  const second = await askToDiscover(endpoint, discoverRequest(version), timeoutMs);
  return second instanceof BridgeError ? judgeDiscoverError(second) : second;
}

/** The verdict, or the error reply that has yet to be judged. */
async function askToDiscover(
  endpoint: HttpEndpoint,
  request: UpstreamRequest,
  timeoutMs: number,
): Promise<ProbeVerdict | 'silent' | BridgeError> {
  const answer = await ask(endpoint, request, modernHeaders(request), timeoutMs);
  if (answer === undefined) return 'silent';
  if ('reply' in answer) {
    return answer.reply.kind === 'result' ? judgeDiscoverResult(answer.reply) : upstreamError(answer.reply);
  }
  if (isNoEvidence(answer.end)) throw startFailure(endpoint, answer.end);
  return { era: 'legacy' };
}

export interface LegacySession {
  readonly info: UpstreamInfo;
  /** `''` when the server keeps none. */
  readonly session: string;
  /** Where it began, and stays. */
  readonly endpoint: HttpEndpoint;
}

/** Nothing at the URL takes a POST of `initialize`: as it is with a server of the HTTP+SSE transport. */
export interface NotStreamable extends Refusal {
  readonly status: number;
}

/** @throws {BridgeError} UPSTREAM_UNAVAILABLE */
export async function initialize(
  endpoint: HttpEndpoint,
  declaration: Declaration,
  timeoutMs: number,
): Promise<LegacySession | Refusal | NotStreamable> {
  const request = initializeRequest(declaration);
  // Servers of both eras, and what stands before them, may ask for this header on every request.
  const answer = await ask(endpoint, request, ['mcp-method', request.method], timeoutMs);
  if (answer === undefined) {
    const message =
      `Server "${endpoint.server}" did not answer initialize within ${timeoutMs} ms; if it speaks HTTP+SSE of ` +
      `2024-11-05, set servers.${endpoint.server}.transport: sse`;
    throw new BridgeError('UPSTREAM_UNAVAILABLE', message);
  }
  if ('reply' in answer) {
    if (answer.reply.kind === 'result') return sessionOf(endpoint, answer.reply, answer.session);
    const error = upstreamError(answer.reply);
    const message = `Server "${endpoint.server}" refused initialize: ${error.message}`;
    const refusal = new BridgeError('UPSTREAM_UNAVAILABLE', message, { cause: error });
    const { status } = answer;
    const mayBeOlder = NOT_SERVED.includes(status) && judgeDiscoverError(error).era === 'legacy';
    return mayBeOlder ? { refusal, status } : { refusal };
  }
  const { status } = answer.end;
  if (isNoEvidence(answer.end) || !NOT_SERVED.includes(status)) throw startFailure(endpoint, answer.end);
  const message =
    `Server "${endpoint.server}" answered ${status} to initialize; ` +
    `check servers.${endpoint.server}.url and transport`;
  return { refusal: new BridgeError('UPSTREAM_UNAVAILABLE', message), status };
}

/** A server that chooses a revision which we do not speak has answered: it is a refusal, no failure. */
function sessionOf(endpoint: HttpEndpoint, reply: Envelope, session: string): LegacySession | Refusal {
  try {
    return { info: readInitializeResult(reply), session, endpoint };
  } catch (error) {
    return { refusal: BridgeError.from(error) };
  }
}

/** The headers of a modern request (requirements 29 to 31), but for `Mcp-Name` and `Mcp-Param-*`. */
export function modernHeaders(request: UpstreamRequest): Headers {
  return ['mcp-protocol-version', request.protocolVersion, 'mcp-method', request.method];
}

/** Scans what a response body or event holds: one message, or the batch that 2025-03-26 allows. */
export function scanBody(bytes: Buffer, maxBytes: number): Envelope[] {
  return isBatch(bytes) ? scanMessages(bytes, { maxBytes }) : [scanEnvelope(bytes, { maxBytes })];
}

/** Sends a handshake request; `undefined` when nothing came in time. */
function ask(
  endpoint: HttpEndpoint,
  request: UpstreamRequest,
  headers: Headers,
  timeoutMs: number,
): Promise<Answer | undefined> {
  const refused = endpoint.refusal();
  if (refused !== undefined) return Promise.reject(refused);
  return new Promise((resolve) => {
    let session = '';
    let status = 0;
    const settle = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const timer = setTimeout(() => {
      exchange.abort();
      settle(undefined);
    }, timeoutMs);
    const accept = (bytes: Buffer): boolean => {
      const reply = replyIn(bytes, endpoint.maxMessageBytes);
      if (reply !== undefined) settle({ reply, status, session });
      return reply !== undefined;
    };
    const exchange: HttpExchange = endpoint.post(
      requestMessage(HANDSHAKE_ID, request.method, request.params),
      headers,
      {
        onHead: (code, head) => {
          status = code;
          session = sessionIn(head['mcp-session-id']);
        },
        onMessage: (bytes) => {
          if (accept(bytes)) setImmediate(() => exchange.abort());
        },
        onEnd: (end) => {
          if (end.failure !== undefined || !accept(end.body)) settle({ end });
        },
      },
      'handshake',
    );
  });
}

function replyIn(bytes: Buffer, maxBytes: number): Envelope | undefined {
  if (bytes.length === 0) return undefined;
  try {
    return scanBody(bytes, maxBytes).find(isReplyToHandshake);
  } catch {
    return undefined;
  }
}

function isReplyToHandshake(envelope: Envelope): boolean {
  if (envelope.kind === 'error' && envelope.id.start < 0) return true;
  if (envelope.kind !== 'error' && envelope.kind !== 'result') return false;
  return envelope.bytes.toString('latin1', envelope.id.start, envelope.id.end) === HANDSHAKE_ID;
}

/** Visible ASCII only (2025-11-25 basic/transports, "Session Management"); anything else is no session id. */
function sessionIn(header: string | string[] | undefined): string {
  const value = typeof header === 'string' ? header : '';
  return value.length <= MAX_SESSION_LENGTH && /^[\x21-\x7e]*$/.test(value) ? value : '';
}

/** Whether the end of an exchange says nothing about what the server speaks. */
export function isNoEvidence(end: ExchangeEnd): boolean {
  const { status } = end;
  return (
    end.failure !== undefined ||
    (status >= 300 && status < 400) ||
    [401, 403, 407, 408, 429].includes(status) ||
    status >= 500
  );
}

/** No call has run during a handshake, so whatever happened it may be tried again. */
export function startFailure(endpoint: HttpEndpoint, end: ExchangeEnd): BridgeError {
  const failure = exchangeFailure(endpoint.server, end);
  if (failure.code === 'UPSTREAM_UNAVAILABLE') return failure;
  const message = failure.message.replace('; the call may have run', '');
  return new BridgeError('UPSTREAM_UNAVAILABLE', message, { cause: failure });
}
