import { hash, timingSafeEqual } from 'node:crypto';
import { BridgeError } from '@mcp-bridge/protocol';
import { ANONYMOUS_ID, type Principal } from './principal.js';

/** One static API key, known by its hash only. Two keys with one id and tenant are one principal (rotation). */
export interface ApiKey {
  readonly id: string;
  /** SHA-256 of the key, 64 lower-case hex digits. */
  readonly sha256: string;
  readonly tenant: string;
}

export interface KeyringOptions {
  readonly keys: readonly ApiKey[];
  /** Callers without a credential act as this tenant; without it they are nobody. */
  readonly anonymous?: { readonly tenant: string } | undefined;
}

/** Tells who presents a credential. */
export interface Keyring {
  /**
   * Costs one map lookup for a key that was seen before, a SHA-256 otherwise. A credential that is present but
   * wrong is nobody, also where anonymous callers are allowed; two credentials must name the same principal.
   *
   * @param authorization - value of the `Authorization` header, `''` when absent; only `Bearer` is understood
   * @param apiKey - value of the `X-Api-Key` header, `''` when absent
   * @returns always the same object for the same principal; undefined means 401
   */
  authenticate(authorization: string, apiKey: string): Principal | undefined;
}

/** Longer credentials are refused unread: hashing them would be free work for an attacker to order. */
const MAX_CREDENTIAL_CHARACTERS = 4096;
/** Spellings of a verified key (`Bearer`, `bearer`, bare) that are remembered, per configured key. */
const SPELLINGS_PER_KEY = 4;

/** @throws {BridgeError} CONFIG_INVALID when a hash appears twice, is no SHA-256, or an id is reserved */
export function createKeyring(options: KeyringOptions): Keyring {
  return new StaticKeyring(options);
}

interface KnownKey {
  readonly digest: Buffer;
  readonly principal: Principal;
}

class StaticKeyring implements Keyring {
  /** By the first eight hex digits of the hash: knowing which prefixes exist helps nobody to find a key. */
  readonly #keys = new Map<string, KnownKey[]>();
  readonly #anonymous: Principal | undefined;
  /**
   * Credentials that were verified, as they were presented. Only right ones get in, so it cannot be flooded.
   * A lookup compares strings only when their seeded hashes agree, which gives a guesser nothing to time.
   */
  readonly #verified = new Map<string, Principal>();
  readonly #maxVerified: number;

  constructor(options: KeyringOptions) {
    const principals = new Map<string, Principal>();
    for (const key of options.keys) this.#add(key, principals);
    this.#maxVerified = options.keys.length * SPELLINGS_PER_KEY;
    this.#anonymous =
      options.anonymous === undefined ? undefined : { tenant: options.anonymous.tenant, id: ANONYMOUS_ID };
  }

  authenticate(authorization: string, apiKey: string): Principal | undefined {
    if (authorization === '') return apiKey === '' ? this.#anonymous : this.#verify(apiKey, apiKey);
    const bearer = this.#verified.get(authorization) ?? this.#verifyBearer(authorization);
    if (apiKey === '') return bearer;
    return bearer !== undefined && bearer === this.#verify(apiKey, apiKey) ? bearer : undefined;
  }

  #verifyBearer(authorization: string): Principal | undefined {
    if (authorization.length > MAX_CREDENTIAL_CHARACTERS) return undefined;
    const match = /^bearer +([^ ]+) *$/i.exec(authorization);
    return match?.[1] === undefined ? undefined : this.#verify(match[1], authorization);
  }

  #verify(key: string, presented: string): Principal | undefined {
    const known = this.#verified.get(presented);
    if (known !== undefined) return known;
    if (key.length > MAX_CREDENTIAL_CHARACTERS) return undefined;
    const digest = hash('sha256', key, 'buffer');
    const candidates = this.#keys.get(prefixOf(digest));
    if (candidates === undefined) return undefined;
    let found: Principal | undefined;
    for (const candidate of candidates) {
      if (timingSafeEqual(candidate.digest, digest)) found = candidate.principal;
    }
    if (found !== undefined && this.#verified.size < this.#maxVerified) this.#verified.set(presented, found);
    return found;
  }

  #add(key: ApiKey, principals: Map<string, Principal>): void {
    const digest = Buffer.from(key.sha256, 'hex');
    if (digest.length !== 32) {
      throw new BridgeError('CONFIG_INVALID', `The sha256 of key "${key.id}" is not 64 hex digits`);
    }
    if (key.id === ANONYMOUS_ID) {
      throw new BridgeError('CONFIG_INVALID', `The key id "${ANONYMOUS_ID}" is reserved; choose another`);
    }
    const bucket = this.#keys.get(prefixOf(digest)) ?? [];
    if (bucket.some((other) => other.digest.equals(digest))) {
      throw new BridgeError('CONFIG_INVALID', `Key "${key.id}" has the same sha256 as another key`);
    }
    const name = `${key.tenant}\0${key.id}`;
    const principal = principals.get(name) ?? { tenant: key.tenant, id: key.id };
    principals.set(name, principal);
    bucket.push({ digest, principal });
    this.#keys.set(prefixOf(digest), bucket);
  }
}

function prefixOf(digest: Buffer): string {
  return digest.toString('hex', 0, 4);
}
