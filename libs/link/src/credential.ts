import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';

/** How a gateway proves itself to its routers, and knows that it talks to one. At least one of the two. */
export interface LinkCredential {
  /** Shared secret of at least 16 characters, sent as `authorization: Bearer …`. */
  readonly token?: string;
  readonly tls?: LinkTls;
}

/** PEM texts. With `certificate` and `key` the gateway proves itself by mTLS. */
export interface LinkTls {
  /** Who signs routers' certificates; default the system's roots. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Name to expect in the router's certificate where it differs from the address. */
  readonly serverName?: string;
}

/** Anything shorter could be guessed. */
export const MIN_TOKEN_LENGTH = 16;

/** @throws {BridgeError} CONFIG_INVALID when the token is too short or half of a key pair is missing */
export function checkCredential(credential: LinkCredential | undefined): void {
  checkToken(credential?.token);
  const tls = credential?.tls;
  if (tls !== undefined && (tls.certificate === undefined) !== (tls.key === undefined)) {
    throw new BridgeError('CONFIG_INVALID', 'Link TLS needs both a certificate and its key, or neither');
  }
}

export function checkToken(token: string | undefined): void {
  if (token !== undefined && token.length < MIN_TOKEN_LENGTH) {
    throw new BridgeError(
      'CONFIG_INVALID',
      `The link token must have at least ${MIN_TOKEN_LENGTH} characters`,
    );
  }
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new BridgeError(
      'CONFIG_INVALID',
      'The link token must be printable ASCII without spaces or line ends',
    );
  }
}

export function channelCredentials(credential: LinkCredential): ChannelCredentials {
  const tls = credential.tls;
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate));
}

function pem(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}
