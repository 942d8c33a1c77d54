import { BridgeError } from '@mcp-bridge/protocol';
import type { ExchangeEnd } from './http-exchange.js';

/**
 * Why a request has no reply, when its response was no JSON-RPC message. What provably did not run is
 * UPSTREAM_UNAVAILABLE (or UPSTREAM_PROTOCOL where repeating it would not help); what may have run is
 * OUTCOME_UNKNOWN.
 */
export function exchangeFailure(server: string, end: ExchangeEnd): BridgeError {
  const subject = `Server "${server}"`;
  if (end.failure !== undefined) return failed(subject, end);
  const { status } = end;
  if (status >= 500) return unknown(`${subject} answered ${status}`);
  if (status === 401 || status === 403) {
    const advice = `check the credentials in servers.${server}.headers`;
    return new BridgeError('UPSTREAM_UNAVAILABLE', `${subject} answered ${status}; ${advice}`);
  }
  if (status === 429) {
    const data = retryAfter(end);
    return new BridgeError('OVERLOADED', `${subject} answered 429`, data === undefined ? {} : { data });
  }
  if (status >= 300 && status < 400) {
    const advice = `redirects are not followed; configure the URL it leads to in servers.${server}.url`;
    return new BridgeError('UPSTREAM_PROTOCOL', `${subject} answered ${status}: ${advice}`);
  }
  if (status === 404 || status === 405 || status === 408) {
    return new BridgeError(
      'UPSTREAM_UNAVAILABLE',
      `${subject} answered ${status}; check servers.${server}.url`,
    );
  }
  if (status >= 400) return new BridgeError('UPSTREAM_PROTOCOL', `${subject} answered ${status}`);
  if (end.isStream) return unknown(`${subject} ended the stream before it answered`);
  return new BridgeError('UPSTREAM_PROTOCOL', `${subject} answered ${status} without a JSON-RPC reply`);
}

/** What a URL did that takes it out, as the end of a sentence. */
export function describeFailure({ failure, sent, status }: ExchangeEnd): string {
  if (failure === undefined) return `answered ${status}`;
  const code = failure.kind === 'connection' ? errorCode(failure.error) : failure.kind;
  return sent ? `broke the connection (${code})` : `cannot be reached (${code})`;
}

function failed(subject: string, end: ExchangeEnd): BridgeError {
  const { failure } = end;
  if (failure?.kind === 'too-large') {
    return new BridgeError('UPSTREAM_PROTOCOL', `${subject} sent a message longer than maxMessageBytes`);
  }
  if (failure?.kind === 'encoded') {
    return new BridgeError(
      'UPSTREAM_PROTOCOL',
      `${subject} sent a compressed response, which was not asked for`,
    );
  }
  const cause = failure?.error;
  const code = errorCode(cause);
  if (!end.sent) {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `${subject} cannot be reached (${code})`, { cause });
  }
  return unknown(`The connection to ${subject.replace('S', 's')} broke (${code})`, cause);
}

function unknown(what: string, cause?: unknown): BridgeError {
  return new BridgeError(
    'OUTCOME_UNKNOWN',
    `${what}; the call may have run`,
    cause === undefined ? {} : { cause },
  );
}

function errorCode(error: Error | undefined): string {
  // Node and undici put a stable code on every connection error.
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EPRIVATE') return 'it resolves to a private address; allowPrivateNetwork permits that';
  return code ?? 'connection failed';
}

function retryAfter(end: ExchangeEnd): string | undefined {
  const seconds = Number(end.headers['retry-after']);
  return Number.isFinite(seconds) && seconds >= 0
    ? `{"retryAfterMs":${Math.ceil(seconds * 1000)}}`
    : undefined;
}
