export { ABSENT } from './envelope.js';
export type { Envelope, Span } from './envelope.js';
export { BridgeError, ERRORS, errorMember } from './errors.js';
export type { BridgeErrorOptions, ErrorCode, ErrorRow } from './errors.js';
export { isBatch, readableId, scanEnvelope, scanMessages } from './scan-envelope.js';
export type { ScanLimits } from './scan-envelope.js';
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
