import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type Metadata,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';
import { checkToken } from './credential.js';

/** What a router asks of its gateways. */
export interface LinkServerCredential {
  /** Shared secret of at least 16 characters that gateways send as `authorization: Bearer …`. */
  readonly token?: string;
  readonly tls?: LinkServerTls;
}

/** PEM texts. With `clientCa` only gateways whose certificate it signed get in (mTLS). */
export interface LinkServerTls {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa?: string;
}

/** @throws {BridgeError} CONFIG_INVALID when others could reach the router without proving who they are */
export function checkServerCredential(host: string, credential: LinkServerCredential): void {
  checkToken(credential.token);
  if (credential.token !== undefined || credential.tls?.clientCa !== undefined || isLoopback(host)) return;
  throw new BridgeError(
    'CONFIG_INVALID',
    `The router would listen on ${host || 'every address'} for anyone: configure a link token (the same at gateways and ` +
      'routers) or mTLS (certificate, key and clientCa), or listen on 127.0.0.1',
  );
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

export function serverCredentials(credential: LinkServerCredential): ServerCredentials {
  const tls = credential.tls;
  if (tls === undefined) return ServerCredentials.createInsecure();
  const clientCa = tls.clientCa === undefined ? null : Buffer.from(tls.clientCa);
  const pair = { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) };
  return ServerCredentials.createSsl(clientCa, [pair], clientCa !== null);
}

/** Refuses every call on the server, of whatever service, that does not carry the token. */
export function tokenInterceptor(token: string): ServerInterceptor {
  const expected = digest(`Bearer ${token}`);
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        const listener = new ServerListenerBuilder().withOnReceiveMetadata((metadata, pass) => {
          if (carries(metadata, expected)) pass(metadata);
          else
            call.sendStatus({ code: status.UNAUTHENTICATED, details: 'The link token is missing or wrong' });
        });
        next(listener.build());
      },
    });
}

/** Compares digests: equal lengths, and a time that tells nothing of how much was right. */
function carries(metadata: Metadata, expected: Buffer): boolean {
  const sent = metadata.get('authorization')[0];
  return typeof sent === 'string' && timingSafeEqual(digest(sent), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
