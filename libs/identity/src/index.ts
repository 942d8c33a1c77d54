export { ANONYMOUS_ID, samePrincipal } from './principal.js';
export type { Principal } from './principal.js';
export { createKeyring, createLiveKeyring } from './keyring.js';
export type { ApiKey, Keyring, KeyringOptions, LiveKeyring } from './keyring.js';
export { createSealer } from './sealer.js';
export type { Sealer, SealerOptions } from './sealer.js';
export { createSessionSealer } from './session-sealer.js';
export type { SessionClaims, SessionSealer, SessionSealerOptions } from './session-sealer.js';
