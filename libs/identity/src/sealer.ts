import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { BridgeError } from '@mcp-bridge/protocol';

export interface SealerOptions {
  /** Secrets of at least 32 bytes. The first seals; all of them open, so keys rotate without a break. */
  readonly keys: readonly Buffer[];
  /** What the sealed values are for. A value sealed for one purpose opens for no other. */
  readonly purpose: string;
}

/**
 * Seals bytes into a token that only holders of the same secret can read or make: AES-256-GCM with a random
 * 96-bit nonce, under a key derived per purpose by HKDF-SHA-256 (RFC 5869). The token is base64url.
 *
 * Rotate a secret before it has sealed 2^32 tokens, the bound of random nonces (NIST SP 800-38D).
 */
export interface Sealer {
  /** @param context - bound to the token but not part of it; `open` needs the same */
  seal(plaintext: Buffer, context?: string): string;
  /** The bytes; undefined when the token is malformed, altered, foreign, or of a forgotten key. Never throws. */
  open(token: string, context?: string): Buffer | undefined;
}

const FORMAT = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES;
const MIN_SECRET_BYTES = 32;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** @throws {BridgeError} CONFIG_INVALID without keys, or with a key shorter than 32 bytes */
export function createSealer(options: SealerOptions): Sealer {
  if (options.keys.length === 0) throw new BridgeError('CONFIG_INVALID', 'A sealer needs at least one key');
  return new GcmSealer(options.keys.map((secret) => deriveKey(secret, options.purpose)));
}

interface SealingKey {
  readonly id: number;
  readonly key: Buffer;
}

class GcmSealer implements Sealer {
  readonly #current: SealingKey;
  readonly #keys: readonly SealingKey[];

  constructor(keys: readonly SealingKey[]) {
    const [first] = keys;
    if (first === undefined) throw new BridgeError('INTERNAL', 'A sealer without keys');
    this.#current = first;
    this.#keys = keys;
  }

  seal(plaintext: Buffer, context = ''): string {
    const token = Buffer.allocUnsafe(HEAD_BYTES + plaintext.length + TAG_BYTES);
    token[0] = FORMAT;
    token.writeUInt32BE(this.#current.id, 1);
    const nonce = randomBytes(NONCE_BYTES);
    nonce.copy(token, 1 + KEY_ID_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#current.key, nonce);
    cipher.setAAD(additionalData(token, context));
    const sealed = cipher.update(plaintext);
    sealed.copy(token, HEAD_BYTES);
    cipher.final();
    cipher.getAuthTag().copy(token, HEAD_BYTES + plaintext.length);
    return token.toString('base64url');
  }

  open(token: string, context = ''): Buffer | undefined {
    // Buffer skips characters that are no base64url: a token must not have two spellings.
    if (!BASE64URL.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length < HEAD_BYTES + TAG_BYTES || bytes[0] !== FORMAT) return undefined;
    if (bytes.toString('base64url') !== token) return undefined;
    const id = bytes.readUInt32BE(1);
    for (const candidate of this.#keys) {
      if (candidate.id !== id) continue;
      const plaintext = decrypt(bytes, candidate.key, context);
      if (plaintext !== undefined) return plaintext;
    }
    return undefined;
  }
}

function decrypt(bytes: Buffer, key: Buffer, context: string): Buffer | undefined {
  const tagAt = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1 + KEY_ID_BYTES, HEAD_BYTES));
  decipher.setAAD(additionalData(bytes, context));
  decipher.setAuthTag(bytes.subarray(tagAt));
  const plaintext = decipher.update(bytes.subarray(HEAD_BYTES, tagAt));
  try {
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}

/** The token's own head, and what the caller binds it to. */
function additionalData(token: Buffer, context: string): Buffer {
  return Buffer.concat([token.subarray(0, 1 + KEY_ID_BYTES), Buffer.from(context, 'utf8')]);
}

function deriveKey(secret: Buffer, purpose: string): SealingKey {
  if (secret.length < MIN_SECRET_BYTES) {
    throw new BridgeError('CONFIG_INVALID', `A sealing key needs ${MIN_SECRET_BYTES} bytes or more`);
  }
  const derived = Buffer.from(
    hkdfSync('sha256', secret, Buffer.alloc(0), `mcp-bridge sealer 1 ${purpose}`, 32 + KEY_ID_BYTES),
  );
  // The id only tells keys apart; it comes out of HKDF beside the key and reveals nothing of it.
  return { key: derived.subarray(0, 32), id: derived.readUInt32BE(32) };
}
