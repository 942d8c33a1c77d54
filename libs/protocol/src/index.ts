export { ABSENT } from './envelope.js';
export type { Envelope, Span } from './envelope.js';
export { checkJson, isBatch, readableId, scanEnvelope, scanMessages } from './scan-envelope.js';
export type { ScanLimits } from './scan-envelope.js';
export { arrayItems, canonicalId, objectMembers, rawBytes, rawText, upstreamError } from './members.js';
export type { Member } from './members.js';
export {
  errorReply,
  insertion,
  insertKey,
  notificationMessage,
  replaceSpan,
  requestMessage,
  resultHead,
  resultReply,
  splice,
  writeResultReply,
} from './splice.js';
export type { Edit } from './splice.js';
export { BridgeError, ERRORS, errorMember } from './errors.js';
export type { BridgeErrorOptions, ErrorCode, ErrorRow } from './errors.js';
export { fromWire, toWire } from './error-wire.js';
export type { ErrorWire } from './error-wire.js';
export { decodeHeaderValue, encodeHeaderValue, headerMatches } from './header-value.js';
export { targetKeyOf, targetOf } from './targets.js';
export type { TargetKey } from './targets.js';
export {
  ASSUMED_LEGACY_VERSION,
  isCacheable,
  LATEST_LEGACY_VERSION,
  LATEST_MODERN_VERSION,
  LEGACY_VERSIONS,
  mayRequireInput,
  MODERN_VERSIONS,
  negotiateLegacyVersion,
  revisionOf,
  SUPPORTED_VERSIONS,
} from './revisions/revisions.js';
export type { Revision, RevisionEra, RevisionMethods } from './revisions/revision.js';
export {
  creditCost,
  DEFAULT_CREDIT_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  encodeFrame,
  FRAME_ENCODING,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  MAX_CREDIT_BYTES,
  writeFrameHeader,
} from './framing/frames.js';
export type { FrameEncoding, FrameKind } from './framing/frames.js';
export { detectFraming, FRAMING_PREFACE, FRAMING_VERSION } from './framing/preface.js';
export type { Framing } from './framing/preface.js';
export { FrameDecoder } from './framing/frame-decoder.js';
export type { FrameReceiver } from './framing/frame-decoder.js';
export { encodeHello, encodeWelcome, parseHello, parseWelcome } from './framing/handshake.js';
export type { Hello, MessageEncoding, Welcome } from './framing/handshake.js';
export {
  encodeCredit,
  encodeFatalError,
  encodeGoaway,
  encodePing,
  encodePong,
  parseCredit,
  parseFatalError,
  parseGoaway,
} from './framing/control-frames.js';
export type { Goaway } from './framing/control-frames.js';
export { jsonToMsgpack } from './framing/json-to-msgpack.js';
export { msgpackToJson } from './framing/msgpack-to-json.js';
