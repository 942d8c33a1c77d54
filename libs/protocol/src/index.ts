export { BridgeError, ERRORS, errorMember } from './errors.js';
export type { BridgeErrorOptions, ErrorCode, ErrorRow } from './errors.js';
export type { Envelope, Span } from './envelope.js';
