import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { BridgeError } from '@mcp-bridge/protocol';
import { LRUCache } from 'lru-cache';
import type { Principal } from './principal.js';
import { createSealer, type Sealer } from './sealer.js';

/** What a legacy session token names. Nothing else is known of a session at the edge. */
export interface SessionClaims {
  /** 128 random bits, base64url: the session's stable id, also the key of its home router. */
  readonly id: string;
  readonly principal: Principal;
  readonly view: string;
  /** The negotiated protocol version. */
  readonly version: string;
  /** Raw JSON object of the client's capabilities. */
  readonly capabilities: string;
  /** Raw JSON object of the client's info, or `''`. */
  readonly clientInfo: string;
  /** Unix milliseconds. */
  readonly issuedAt: number;
}

export interface SessionSealerOptions {
  /** Secrets of at least 32 bytes; the first seals, all open. */
  readonly keys: readonly Buffer[];
  /** Unix milliseconds; injected by tests. */
  readonly now?: () => number;
  /** Sessions are refused this long after they were issued; default 30 days. */
  readonly maxAgeMs?: number;
  /** Opened tokens to remember; default 20 000, about 1 KiB each. */
  readonly cacheEntries?: number;
}

/** Makes and reads `Mcp-Session-Id` tokens: visible ASCII that every gateway replica with the key can open. */
export interface SessionSealer {
  /** @throws {BridgeError} INVALID_PARAMS when the claims make a token too long for a request header */
  seal(claims: Omit<SessionClaims, 'id' | 'issuedAt'>): {
    readonly token: string;
    readonly claims: SessionClaims;
  };
  /**
   * The claims; undefined for a token that is malformed, altered, too old, or made by somebody else.
   * A token that was opened lately costs one map lookup and yields the same object.
   */
  open(token: string): SessionClaims | undefined;
}

/** uWebSockets.js refuses requests with more than 4 KiB of headers; credentials and names need room too. */
const MAX_TOKEN_CHARACTERS = 2048;
const DEFAULT_MAX_AGE_MS = 30 * 86_400_000;
const DEFAULT_CACHE_ENTRIES = 20_000;
/** Below this, deflate saves nothing. */
const MIN_DEFLATE_BYTES = 160;
const PLAIN = 0;
const DEFLATED = 1;

export function createSessionSealer(options: SessionSealerOptions): SessionSealer {
  return new GcmSessionSealer(options);
}

class GcmSessionSealer implements SessionSealer {
  readonly #sealer: Sealer;
  readonly #now: () => number;
  readonly #maxAgeMs: number;
  readonly #opened: LRUCache<string, SessionClaims>;

  constructor(options: SessionSealerOptions) {
    this.#sealer = createSealer({ keys: options.keys, purpose: 'session' });
    this.#now = options.now ?? Date.now;
    this.#maxAgeMs = options.maxAgeMs ?? DEFAULT_MAX_AGE_MS;
    this.#opened = new LRUCache({ max: options.cacheEntries ?? DEFAULT_CACHE_ENTRIES });
  }

  seal(named: Omit<SessionClaims, 'id' | 'issuedAt'>): { token: string; claims: SessionClaims } {
    const { principal, view, version, capabilities, clientInfo } = named;
    const id = randomBytes(16).toString('base64url');
    // Written out: many are remembered, and a spread would give each a hidden class of its own.
    const claims = { id, principal, view, version, capabilities, clientInfo, issuedAt: this.#now() };
    const token = this.#sealer.seal(encode(claims));
    if (token.length > MAX_TOKEN_CHARACTERS) {
      throw new BridgeError(
        'INVALID_PARAMS',
        'The client capabilities are too large for a session token; declare fewer or smaller extensions',
      );
    }
    this.#opened.set(token, claims);
    return { token, claims };
  }

  open(token: string): SessionClaims | undefined {
    const known = this.#opened.get(token);
    if (known !== undefined) return this.#isFresh(known) ? known : undefined;
    if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
    const plaintext = this.#sealer.open(token);
    if (plaintext === undefined) return undefined;
    const claims = decode(plaintext);
    if (claims === undefined || !this.#isFresh(claims)) return undefined;
    this.#opened.set(token, claims);
    return claims;
  }

  #isFresh(claims: SessionClaims): boolean {
    return this.#now() - claims.issuedAt < this.#maxAgeMs;
  }
}

type Fields = [
  id: string,
  tenant: string,
  principal: string,
  view: string,
  version: string,
  capabilities: string,
  clientInfo: string,
  issuedAt: number,
];

function encode(claims: SessionClaims): Buffer {
  const { id, principal, view, version, capabilities, clientInfo, issuedAt } = claims;
  const fields: Fields = [
    id,
    principal.tenant,
    principal.id,
    view,
    version,
    capabilities,
    clientInfo,
    issuedAt,
  ];
  const json = Buffer.from(JSON.stringify(fields), 'utf8');
  const deflated = json.length < MIN_DEFLATE_BYTES ? undefined : deflateRawSync(json);
  return deflated === undefined || deflated.length >= json.length
    ? Buffer.concat([Buffer.of(PLAIN), json])
    : Buffer.concat([Buffer.of(DEFLATED), deflated]);
}

/** The plaintext is our own, authenticated; undefined only for a layout of another release. */
function decode(plaintext: Buffer): SessionClaims | undefined {
  try {
    const body = plaintext.subarray(1);
    const json = plaintext[0] === DEFLATED ? inflateRawSync(body) : body;
    // Sealed by `encode`, so it has this shape; a release that changes it changes the purpose.
    const [id, tenant, principal, view, version, capabilities, clientInfo, issuedAt] = JSON.parse(
      json.toString('utf8'),
    ) as Fields;
    return {
      id,
      principal: { tenant, id: principal },
      view,
      version,
      capabilities,
      clientInfo,
      issuedAt,
    };
  } catch {
    return undefined;
  }
}
