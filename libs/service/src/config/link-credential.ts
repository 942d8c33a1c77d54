import { readFileSync } from 'node:fs';
import { BridgeError } from '@mcp-bridge/protocol';
import { errorCode } from './document.js';
import type { LinkConfig } from './schema.js';

/** What a gateway shows to its routers; the shape that `libs/link` takes. PEM texts. */
export interface GatewayLinkCredential {
  readonly token?: string;
  readonly tls?: { readonly ca?: string; readonly certificate: string; readonly key: string };
}

/** What a router asks of its gateways; the shape that `libs/link` takes. PEM texts. */
export interface RouterLinkCredential {
  readonly token?: string;
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
}

/**
 * Reads the files of the `link` section for a gateway.
 *
 * @returns `undefined` when none is configured
 * @throws {BridgeError} CONFIG_INVALID when a file cannot be read
 */
export function gatewayLinkCredential(config: LinkConfig): GatewayLinkCredential | undefined {
  const { token, files } = readFiles(config);
  if (token === undefined && files === undefined) return undefined;
  const { ca, ...identity } = files ?? {};
  return {
    ...(token !== undefined && { token }),
    ...(hasIdentity(identity) && { tls: { ...identity, ...(ca !== undefined && { ca }) } }),
  };
}

/** The same for a router. With `caFile` only gateways whose certificate it signed get in. */
export function routerLinkCredential(config: LinkConfig): RouterLinkCredential | undefined {
  const { token, files } = readFiles(config);
  if (token === undefined && files === undefined) return undefined;
  const { ca, ...identity } = files ?? {};
  return {
    ...(token !== undefined && { token }),
    ...(hasIdentity(identity) && { tls: { ...identity, ...(ca !== undefined && { clientCa: ca }) } }),
  };
}

interface Identity {
  readonly certificate: string;
  readonly key: string;
}

function hasIdentity(files: Partial<Identity>): files is Identity {
  return files.certificate !== undefined && files.key !== undefined;
}

function readFiles(config: LinkConfig): {
  token: string | undefined;
  files: (Identity & { ca?: string }) | undefined;
} {
  const token = config.tokenFile === undefined ? undefined : read('link.tokenFile', config.tokenFile).trim();
  if (config.tls === undefined) return { token, files: undefined };
  const { certFile, keyFile, caFile } = config.tls;
  return {
    token,
    files: {
      certificate: read('link.tls.certFile', certFile),
      key: read('link.tls.keyFile', keyFile),
      ...(caFile !== undefined && { ca: read('link.tls.caFile', caFile) }),
    },
  };
}

function read(field: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BridgeError('CONFIG_INVALID', `${field}: cannot read ${file} (${errorCode(error)})`, {
      cause: error,
    });
  }
}
