export { ABSENT } from './envelope.js';
export type { Envelope, Span } from './envelope.js';
export { isBatch, readableId, scanEnvelope, scanMessages } from './scan-envelope.js';
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
  resultReply,
  splice,
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
