import {
  BridgeError,
  LATEST_LEGACY_VERSION,
  LATEST_MODERN_VERSION,
  LEGACY_VERSIONS,
  MODERN_VERSIONS,
  SUPPORTED_VERSIONS,
} from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import { META } from '../adapt/era.js';
import type { UpstreamChannel, UpstreamInfo, UpstreamRequest } from './channel.js';

/** The error codes that only modern servers know (2026-07-28 basic/index, "Error Codes"). */
const HEADER_MISMATCH = -32020;
const MISSING_CAPABILITY = -32021;
const UNSUPPORTED_VERSION = -32022;

const OWN_INFO = '{"name":"mcp-bridge","version":"0.1.0"}';

/** What a channel says of its client when it opens. Raw JSON. */
export interface Declaration {
  readonly capabilities: string;
  readonly clientInfo: string;
}

/** The bridge itself, which can answer nothing that a server might ask. */
export const OWN_DECLARATION: Declaration = { capabilities: '{}', clientInfo: OWN_INFO };

/** `_meta` of the requests that the bridge itself makes of a modern server. */
export function ownMeta(version: string): Record<string, unknown> {
  return {
    [META.protocolVersion]: version,
    [META.clientInfo]: JSON.parse(OWN_INFO) as unknown,
    [META.clientCapabilities]: {},
  };
}

export function discoverRequest(version: string = LATEST_MODERN_VERSION): UpstreamRequest {
  return handshakeRequest('server/discover', JSON.stringify({ _meta: ownMeta(version) }), version);
}

export function initializeRequest(declaration: Declaration): UpstreamRequest {
  const clientInfo = declaration.clientInfo === '' ? OWN_INFO : declaration.clientInfo;
  const params =
    `{"protocolVersion":"${LATEST_LEGACY_VERSION}","capabilities":${declaration.capabilities},` +
    `"clientInfo":${clientInfo}}`;
  return handshakeRequest('initialize', params, '');
}

export const INITIALIZED = 'notifications/initialized';
export const EMPTY_PARAMS = Buffer.from('{}');

function handshakeRequest(method: string, params: string, protocolVersion: string): UpstreamRequest {
  return {
    method,
    name: '',
    params: Buffer.from(params),
    progressTokenStart: -1,
    progressTokenEnd: -1,
    protocolVersion,
    deadlineAt: 0,
    logLevel: '',
    owner: '',
  };
}

/** What an answer to `server/discover` says about the server's era. */
export type ProbeVerdict =
  | { readonly era: 'modern'; readonly info: UpstreamInfo }
  | { readonly era: 'legacy' }
  /** Modern for certain, but unusable for us. */
  | { readonly era: 'unusable'; readonly error: BridgeError };

/** Judges a result of `server/discover`. What is not a DiscoverResult was sent by a legacy server. */
export function judgeDiscoverResult(reply: Envelope): ProbeVerdict {
  const result = parseObject(reply, reply.result.start, reply.result.end);
  const versions = result['supportedVersions'];
  if (!Array.isArray(versions)) return { era: 'legacy' };
  return judgeVersions(versions, result);
}

/**
 * Judges an error reply to `server/discover`. Only the codes that modern revisions introduced prove a modern
 * server; every other code is implementation-defined and says "legacy" (requirement 10).
 */
export function judgeDiscoverError(error: BridgeError): ProbeVerdict {
  if (error.code !== 'UPSTREAM_ERROR') return { era: 'legacy' };
  if (error.rpcCode === UNSUPPORTED_VERSION) return judgeVersions(supportedVersions(error), undefined);
  if (error.rpcCode !== HEADER_MISMATCH && error.rpcCode !== MISSING_CAPABILITY) return { era: 'legacy' };
  return { era: 'unusable', error: new BridgeError('UPSTREAM_UNAVAILABLE', error.message, { cause: error }) };
}

/**
 * The revision to send `server/discover` in again, when the server refused the first one and offers a modern one
 * that we speak (2026-07-28 basic/versioning, "Protocol Version Negotiation"). Once is enough: a server that refuses
 * what it offered is unusable.
 */
export function versionToRetry(error: BridgeError): string | undefined {
  if (error.code !== 'UPSTREAM_ERROR' || error.rpcCode !== UNSUPPORTED_VERSION) return undefined;
  const offered = supportedVersions(error);
  return MODERN_VERSIONS.find((known) => offered.includes(known));
}

function supportedVersions(error: BridgeError): unknown[] {
  const data: unknown = error.data === undefined ? undefined : JSON.parse(error.data);
  const supported = isRecord(data) ? data['supported'] : undefined;
  return Array.isArray(supported) ? supported : [];
}

function judgeVersions(versions: unknown[], result: Record<string, unknown> | undefined): ProbeVerdict {
  const version = MODERN_VERSIONS.find((known) => versions.includes(known));
  if (version !== undefined && result !== undefined)
    return { era: 'modern', info: modernInfo(version, result) };
  if (versions.some((offered) => LEGACY_VERSIONS.includes(String(offered)))) return { era: 'legacy' };
  const offered = versions.map(String).join(', ').slice(0, 200);
  const message =
    `The server speaks only ${offered || 'unknown revisions'} of the protocol; ` +
    `the bridge speaks ${SUPPORTED_VERSIONS.join(', ')}`;
  return { era: 'unusable', error: new BridgeError('UPSTREAM_UNAVAILABLE', message) };
}

function modernInfo(protocolVersion: string, result: Record<string, unknown>): UpstreamInfo {
  const meta: Record<string, unknown> = recordOr(result['_meta'], {});
  return {
    era: 'modern',
    protocolVersion,
    capabilities: recordOr(result['capabilities'], {}),
    serverInfo: recordOr(meta[META.serverInfo], undefined),
    instructions: stringOr(result['instructions']),
  };
}

/**
 * Reads an InitializeResult.
 * @throws {BridgeError} UPSTREAM_UNAVAILABLE when the server chose a revision that we do not speak
 */
export function readInitializeResult(reply: Envelope): UpstreamInfo {
  const result = parseObject(reply, reply.result.start, reply.result.end);
  const version = result['protocolVersion'];
  if (typeof version !== 'string' || !LEGACY_VERSIONS.includes(version)) {
    const answer = JSON.stringify(version)?.slice(0, 40) ?? 'no revision';
    const message = `The server answered initialize with ${answer}; the bridge speaks ${LEGACY_VERSIONS.join(', ')}`;
    throw new BridgeError('UPSTREAM_UNAVAILABLE', message);
  }
  return {
    era: 'legacy',
    protocolVersion: version,
    capabilities: recordOr(result['capabilities'], {}),
    serverInfo: recordOr(result['serverInfo'], undefined),
    instructions: stringOr(result['instructions']),
  };
}

/** A request of the handshake, as a promise. */
export interface HandshakeCall {
  /** @throws {BridgeError} the server's error reply, or a local failure */
  readonly reply: Promise<Envelope>;
  cancel(): void;
}

export function callForReply(
  channel: Pick<UpstreamChannel, 'request'>,
  request: UpstreamRequest,
): HandshakeCall {
  let cancel: () => void = () => undefined;
  const reply = new Promise<Envelope>((resolve, reject) => {
    const handle = channel.request(request, {
      onNotification: () => undefined,
      onServerRequest: (_request, respond) =>
        respond('error', Buffer.from('{"code":-32600,"message":"Not before the handshake is over"}')),
      onResult: resolve,
      onError: reject,
    });
    cancel = () => handle.cancel();
  });
  // Who races it against a clock may never look at it again.
  reply.catch(() => undefined);
  return { reply, cancel };
}

/** The promise, or DEADLINE_EXCEEDED after `timeoutMs`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new BridgeError('DEADLINE_EXCEEDED', `${what} took longer than ${timeoutMs} ms`);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function parseObject(reply: Envelope, start: number, end: number): Record<string, unknown> {
  const value: unknown = JSON.parse(reply.bytes.toString('utf8', start, end));
  return recordOr(value, {});
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOr<T extends Record<string, unknown> | undefined>(
  value: unknown,
  otherwise: T,
): Record<string, unknown> | T {
  return isRecord(value) ? value : otherwise;
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
