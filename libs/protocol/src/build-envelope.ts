import { decodeString, equalsAscii } from './decode-string.js';
import { ABSENT, type Envelope, type Span } from './envelope.js';
import { BridgeError } from './errors.js';
import { OPEN_BRACE, QUOTE } from './json-text.js';
import { SLOT } from './slots.js';
import { targetKeyOf } from './targets.js';

/** Longest id in bytes: ids are kept per call and echoed, so they must not grow with the message. */
const MAX_ID_BYTES = 1024;

/**
 * Turns the recorded spans of a validated message into its envelope.
 * @throws {BridgeError} INVALID_REQUEST or INVALID_PARAMS when they do not make a JSON-RPC message
 */
export function buildEnvelope(bytes: Buffer, start: number, end: number, slots: Int32Array): Envelope {
  if (bytes[start] !== OPEN_BRACE) refuseMessage('it must be a JSON object');
  if (!isVersion2(bytes, spanOf(slots, SLOT.jsonrpc))) refuseMessage('"jsonrpc" must be "2.0"');
  const methodSpan = spanOf(slots, SLOT.method);
  const id = spanOf(slots, SLOT.id);
  const result = objectSpan(bytes, slots, SLOT.result, 'result');
  const error = objectSpan(bytes, slots, SLOT.error, 'error');
  const params = objectSpan(bytes, slots, SLOT.params, 'params');
  const kind = kindOf(methodSpan, id, result, error);
  const acceptedId = acceptId(bytes, id, kind);
  const method = methodSpan === ABSENT ? '' : stringAt(bytes, methodSpan, 'method', 'INVALID_REQUEST');
  if (methodSpan !== ABSENT && method === '') refuseMessage('"method" is empty');
  const nameSpan = nameSpanOf(method, slots);
  const progressSlot = method === 'notifications/progress' ? SLOT.paramsProgressToken : SLOT.progressToken;
  const subscriptionSlot = kind === 'result' ? SLOT.resultSubscriptionId : SLOT.subscriptionId;
  return {
    bytes,
    message: { start, end },
    kind,
    id: acceptedId,
    method,
    params,
    result,
    error,
    name: optionalString(bytes, nameSpan, 'the target in params'),
    nameSpan,
    meta: objectSpan(bytes, slots, SLOT.meta, 'params._meta'),
    progressToken: tokenSpan(bytes, slots, progressSlot, 'progressToken'),
    arguments: spanOf(slots, SLOT.arguments),
    inputResponses: spanOf(slots, SLOT.inputResponses),
    requestState: spanOf(slots, SLOT.requestState),
    cursor: optionalString(bytes, spanOf(slots, SLOT.cursor), 'params.cursor'),
    cursorSpan: spanOf(slots, SLOT.cursor),
    requestId: tokenSpan(bytes, slots, SLOT.requestId, 'params.requestId'),
    level: optionalString(bytes, spanOf(slots, SLOT.level), 'params.level'),
    task: objectSpan(bytes, slots, SLOT.task, 'params.task'),
    protocolVersion: optionalString(
      bytes,
      spanOf(slots, SLOT.protocolVersion),
      'protocolVersion in params._meta',
    ),
    clientCapabilities: objectSpan(
      bytes,
      slots,
      SLOT.clientCapabilities,
      'clientCapabilities in params._meta',
    ),
    clientInfo: objectSpan(bytes, slots, SLOT.clientInfo, 'clientInfo in params._meta'),
    logLevel: optionalString(bytes, spanOf(slots, SLOT.logLevel), 'logLevel in params._meta'),
    subscriptionId: spanOf(slots, subscriptionSlot),
    traceparent: optionalString(bytes, spanOf(slots, SLOT.traceparent), 'traceparent in params._meta'),
    resultType: optionalString(bytes, spanOf(slots, SLOT.resultType), 'result.resultType'),
    resultTypeSpan: spanOf(slots, SLOT.resultType),
    resultMeta: objectSpan(bytes, slots, SLOT.resultMeta, 'result._meta'),
    resultServerInfo: spanOf(slots, SLOT.resultServerInfo),
    ttlMs: spanOf(slots, SLOT.ttlMs),
    cacheScope: spanOf(slots, SLOT.cacheScope),
    nextCursor: spanOf(slots, SLOT.nextCursor),
    inputRequests: spanOf(slots, SLOT.inputRequests),
    resultRequestState: spanOf(slots, SLOT.resultRequestState),
  };
}

function kindOf(method: Span, id: Span, result: Span, error: Span): Envelope['kind'] {
  if (method !== ABSENT) {
    if (result !== ABSENT || error !== ABSENT) refuseMessage('"method" and a reply in one message');
    return id === ABSENT ? 'notification' : 'request';
  }
  if (result !== ABSENT) {
    if (error !== ABSENT) refuseMessage('both "result" and "error"');
    if (id === ABSENT) refuseMessage('a result without "id"');
    return 'result';
  }
  if (error === ABSENT) refuseMessage('"method" is missing');
  return 'error';
}

/** JSON-RPC answers an unreadable request with an error whose id is null: that, and only that, is no id. */
function acceptId(bytes: Buffer, id: Span, kind: Envelope['kind']): Span {
  if (id === ABSENT) return id;
  if (kind === 'error' && bytes[id.start] === 0x6e) return ABSENT;
  if (!isAcceptableId(bytes, id)) {
    refuseMessage(`"id" must be a string or an integer of at most ${MAX_ID_BYTES} bytes`);
  }
  return id;
}

/** True for a string or an integer of bearable length, the range being a validated JSON value. */
export function isAcceptableId(bytes: Buffer, span: Span): boolean {
  if (span.end - span.start > MAX_ID_BYTES) return false;
  if (bytes[span.start] === QUOTE) return true;
  for (let at = span.start; at < span.end; at++) {
    const c = bytes[at] ?? 0;
    if ((c < 0x30 || c > 0x39) && (c !== 0x2d || at !== span.start)) return false;
  }
  return true;
}

function nameSpanOf(method: string, slots: Int32Array): Span {
  switch (targetKeyOf(method)) {
    case 'name':
      return spanOf(slots, SLOT.name);
    case 'uri':
      return spanOf(slots, SLOT.uri);
    case 'taskId':
      return spanOf(slots, SLOT.taskId);
    case 'ref': {
      const name = spanOf(slots, SLOT.refName);
      const uri = spanOf(slots, SLOT.refUri);
      if (name !== ABSENT && uri !== ABSENT) refuseParams('params.ref has both "name" and "uri"');
      return name === ABSENT ? uri : name;
    }
    default:
      return ABSENT;
  }
}

function spanOf(slots: Int32Array, slot: number): Span {
  const start = slots[slot * 2] ?? -1;
  return start === -1 ? ABSENT : { start, end: slots[slot * 2 + 1] ?? -1 };
}

function objectSpan(bytes: Buffer, slots: Int32Array, slot: number, what: string): Span {
  const span = spanOf(slots, slot);
  if (span === ABSENT || bytes[span.start] === OPEN_BRACE) return span;
  if (slot <= SLOT.error) return refuseMessage(`"${what}" must be an object`);
  return refuseParams(`${what} must be an object`);
}

/** Progress tokens and request ids. A progress token may be any number in the schema; ours need not be stricter. */
function tokenSpan(bytes: Buffer, slots: Int32Array, slot: number, what: string): Span {
  const span = spanOf(slots, slot);
  if (span === ABSENT) return span;
  const c = bytes[span.start] ?? 0;
  if (c === QUOTE || c === 0x2d || (c >= 0x30 && c <= 0x39)) return span;
  return refuseParams(`${what} must be a string or a number`);
}

function optionalString(bytes: Buffer, span: Span, what: string): string | undefined {
  return span === ABSENT ? undefined : stringAt(bytes, span, what, 'INVALID_PARAMS');
}

function stringAt(
  bytes: Buffer,
  span: Span,
  what: string,
  code: 'INVALID_PARAMS' | 'INVALID_REQUEST',
): string {
  if (bytes[span.start] !== QUOTE) throw new BridgeError(code, `Invalid message: ${what} must be a string`);
  const text = decodeString(bytes, span.start, span.end);
  if (span.end - span.start !== text.length + 2 && /\p{Surrogate}/u.test(text)) {
    // It would reach the next hop as U+FFFD: a different name than the one that was checked here.
    throw new BridgeError(code, `Invalid message: ${what} holds half of a surrogate pair`);
  }
  return text;
}

function isVersion2(bytes: Buffer, span: Span): boolean {
  if (span === ABSENT || bytes[span.start] !== QUOTE) return false;
  if (span.end - span.start === 5) return equalsAscii(bytes, span.start + 1, '2.0');
  return decodeString(bytes, span.start, span.end) === '2.0';
}

function refuseMessage(why: string): never {
  throw new BridgeError('INVALID_REQUEST', `Invalid message: ${why}`);
}

function refuseParams(why: string): never {
  throw new BridgeError('INVALID_PARAMS', `Invalid message: ${why}`);
}
