import { hash, timingSafeEqual } from 'node:crypto';
import { BridgeError } from '@mcp-bridge/protocol';
import { ANONYMOUS_ID, type Principal, samePrincipal } from './principal.js';

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
   * @returns always the same object for the same key; undefined means 401
   */
  authenticate(authorization: string, apiKey: string): Principal | undefined;
  /**
   * Whether what proved a principal still would: the key is configured, anonymous callers are let in.
   * @param principal - the very object that `authenticate` returned
   */
  isInForce(principal: Principal): boolean;
}

/** A keyring whose keys change while it is used. */
export interface LiveKeyring extends Keyring {
  /**
   * Checks other keys; what it returns puts them in force. Keys that stay keep their principals.
   * @throws {BridgeError} CONFIG_INVALID, as `createKeyring`
   */
  prepare(options: KeyringOptions): () => void;
}

/** Longer credentials are refused unread: hashing them would be free work for an attacker to order. */
const MAX_CREDENTIAL_CHARACTERS = 4096;
/** Spellings of a verified key (`Bearer`, `bearer`, bare) that are remembered, per configured key. */
const SPELLINGS_PER_KEY = 4;

/** @throws {BridgeError} CONFIG_INVALID when a hash appears twice, is no SHA-256, or an id is reserved */
export function createKeyring(options: KeyringOptions): Keyring {
  return new StaticKeyring(options);
}

/** @throws {BridgeError} CONFIG_INVALID, as `createKeyring` */
export function createLiveKeyring(options: KeyringOptions): LiveKeyring {
  let current = new StaticKeyring(options);
  return {
    authenticate: (authorization, apiKey) => current.authenticate(authorization, apiKey),
    isInForce: (principal) => current.isInForce(principal),
    prepare(next) {
      const prepared = new StaticKeyring(next, current);
      return () => {
        current = prepared;
      };
    },
  };
}

interface KnownKey {
  readonly digest: Buffer;
  readonly principal: Principal;
}

class StaticKeyring implements Keyring {
  /** By the first eight hex digits of the hash: knowing which prefixes exist helps nobody to find a key. */
  readonly #keys = new Map<string, KnownKey[]>();
  readonly #anonymous: Principal | undefined;
  readonly #inForce = new Set<Principal>();
  /**
   * Credentials that were verified, as they were presented. Only right ones get in, so it cannot be flooded.
   * A lookup compares strings only when their seeded hashes agree, which gives a guesser nothing to time.
   */
  readonly #verified = new Map<string, Principal>();
  readonly #maxVerified: number;

  constructor({ keys, anonymous }: KeyringOptions, before?: StaticKeyring) {
    for (const key of keys) this.#add(key, before);
    this.#maxVerified = keys.length * SPELLINGS_PER_KEY;
    if (anonymous === undefined) return;
    const known = before === undefined ? undefined : before.#anonymous;
    const principal = { tenant: anonymous.tenant, id: ANONYMOUS_ID };
    this.#anonymous = known !== undefined && samePrincipal(known, principal) ? known : principal;
    this.#inForce.add(this.#anonymous);
  }

  isInForce(principal: Principal): boolean {
    return this.#inForce.has(principal);
  }

  authenticate(authorization: string, apiKey: string): Principal | undefined {
    if (authorization === '') return apiKey === '' ? this.#anonymous : this.#verify(apiKey, apiKey);
    const bearer = this.#verified.get(authorization) ?? this.#verifyBearer(authorization);
    if (apiKey === '') return bearer;
    const bare = this.#verify(apiKey, apiKey);
    if (bearer === undefined || bare === undefined) return undefined;
    return samePrincipal(bearer, bare) ? bearer : undefined;
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

  #find(digest: Buffer): KnownKey | undefined {
    return this.#keys.get(prefixOf(digest))?.find((key) => key.digest.equals(digest));
  }

  #add(key: ApiKey, before: StaticKeyring | undefined): void {
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
    const known = before === undefined ? undefined : before.#find(digest);
    const principal = { tenant: key.tenant, id: key.id };
    const stays = known !== undefined && samePrincipal(known.principal, principal);
    // Not one object for all keys of a principal: connections end with the key that opened them.
    const entry = stays ? known : { digest, principal };
    bucket.push(entry);
    this.#inForce.add(entry.principal);
    this.#keys.set(prefixOf(digest), bucket);
  }
}

function prefixOf(digest: Buffer): string {
  return digest.toString('hex', 0, 4);
}
