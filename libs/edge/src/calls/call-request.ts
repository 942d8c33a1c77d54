import type { CallRequest, ParamsSpans } from '@mcp-bridge/link';
import type { Envelope } from '@mcp-bridge/protocol';
import type { Client } from './client.js';

const EMPTY_PARAMS = Buffer.from('{}');
const NO_SPANS: ParamsSpans = {
  nameStart: -1,
  nameEnd: -1,
  metaStart: -1,
  metaEnd: -1,
  progressTokenStart: -1,
  progressTokenEnd: -1,
};

/** Longer beginnings of a state are no router's. */
const MAX_ROUTER_ID = 32;

/** What a transport adds to a request. */
export interface CallExtras {
  readonly timeoutMs: number;
  /** Raw JSON object of the `Mcp-Param-*` headers, `''` for none. */
  readonly paramHeaders: string;
  /** From the transport; a trace context in `_meta` comes first. */
  readonly traceparent: string;
  readonly replayStream: string;
}

/** Methods whose reply ends a stream of events instead of answering a question. */
export function isEndless(method: string): boolean {
  return method === 'subscriptions/listen';
}

/** The raw JSON id of a request. */
export function idOf(envelope: Envelope): string {
  return envelope.bytes.toString('utf8', envelope.id.start, envelope.id.end);
}

/** The one frame that a client's request becomes; `params` stays a view of the message's bytes. */
export function toCallRequest(
  envelope: Envelope,
  id: string,
  client: Client,
  extras: CallExtras,
): CallRequest {
  const { params } = envelope;
  const absent = params.start < 0;
  return {
    principal: client.principal,
    view: client.view,
    method: envelope.method,
    name: envelope.name ?? '',
    params: absent ? EMPTY_PARAMS : envelope.bytes.subarray(params.start, params.end),
    spans: absent ? NO_SPANS : relativeSpans(envelope, params.start),
    clientRequestId: id,
    protocolVersion: client.revision.version,
    capabilities: client.capabilities,
    clientInfo: client.clientInfo,
    session: client.session,
    logLevel: envelope.logLevel ?? '',
    timeoutMs: isEndless(envelope.method) ? 0 : extras.timeoutMs,
    paramHeaders: extras.paramHeaders,
    traceparent: envelope.traceparent ?? extras.traceparent,
    home: homeOf(envelope),
    replayStream: extras.replayStream,
  };
}

/** A call that the gateway itself makes for a session: `session/stream`, `session/resume`, `session/end`. */
export function toInternalCall(
  method: string,
  client: Client,
  options: { readonly params?: string; readonly timeoutMs: number; readonly replayStream?: string },
): CallRequest {
  return {
    principal: client.principal,
    view: client.view,
    method,
    name: '',
    params: options.params === undefined ? EMPTY_PARAMS : Buffer.from(options.params, 'utf8'),
    spans: NO_SPANS,
    clientRequestId: 'null',
    protocolVersion: client.revision.version,
    capabilities: client.capabilities,
    clientInfo: client.clientInfo,
    session: client.session,
    logLevel: '',
    timeoutMs: options.timeoutMs,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: options.replayStream ?? '',
  };
}

/** A state that a router sealed begins with that router's id and a dot; other states lead nowhere in particular. */
function homeOf({ bytes, requestState }: Envelope): string {
  if (requestState.start < 0) return '';
  const from = requestState.start + 1;
  const dot = bytes.indexOf('.', from, 'latin1');
  return dot < 0 || dot - from > MAX_ROUTER_ID || dot >= requestState.end
    ? ''
    : bytes.toString('latin1', from, dot);
}

function relativeSpans(envelope: Envelope, origin: number): ParamsSpans {
  const { nameSpan, meta, progressToken } = envelope;
  return {
    nameStart: relative(nameSpan.start, origin),
    nameEnd: relative(nameSpan.end, origin),
    metaStart: relative(meta.start, origin),
    metaEnd: relative(meta.end, origin),
    progressTokenStart: relative(progressToken.start, origin),
    progressTokenEnd: relative(progressToken.end, origin),
  };
}

function relative(offset: number, origin: number): number {
  return offset < 0 ? -1 : offset - origin;
}
