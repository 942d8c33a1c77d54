import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorCode } from './document.js';
import type { PathFault } from './faults.js';
import type { BridgeConfig } from './schema.js';

/** What is wrong with the files that the configuration names: missing, too weak, not what they should be. */
export function secretFileFaults(config: BridgeConfig): PathFault[] {
  return [
    ...fileFaults(['gateway', 'sessionKeyFile'], config.gateway.sessionKeyFile, sessionKeyFault),
    ...fileFaults(['link', 'tokenFile'], config.link.tokenFile, linkTokenFault),
    ...tlsFaults(['gateway', 'tls'], config.gateway.tls),
    ...tlsFaults(['gateway', 'tcp', 'tls'], config.gateway.tcp?.tls),
    ...tlsFaults(['link', 'tls'], config.link.tls),
  ];
}

/** Says what is wrong with a file's text; never quotes it. */
type Judge = (text: string) => string | undefined;

function fileFaults(at: readonly string[], file: string | undefined, judge: Judge): PathFault[] {
  if (file === undefined) return [];
  let reason: string | undefined;
  try {
    reason = judge(readFileSync(file, 'utf8'));
  } catch (error) {
    reason = `cannot read ${file} (${errorCode(error)})`;
  }
  return reason === undefined ? [] : [{ path: at, reason }];
}

function sessionKeyFault(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const good = lines.length > 0 && lines.every((line) => Buffer.byteLength(line.trim()) >= 32);
  return good ? undefined : 'every line must hold a secret of at least 32 bytes; the first one seals';
}

function linkTokenFault(text: string): string | undefined {
  const good = /^[\x21-\x7e]{16,}$/.test(text.trim());
  return good ? undefined : 'must hold at least 16 printable ASCII characters without spaces, on one line';
}

function tlsFaults(at: readonly string[], tls: BridgeConfig['link']['tls']): PathFault[] {
  if (tls === undefined) return [];
  let certificate: X509Certificate | undefined;
  return [
    ...fileFaults([...at, 'certFile'], tls.certFile, (text) => {
      certificate = certificateIn(text);
      return certificate === undefined ? 'holds no PEM certificate' : undefined;
    }),
    ...fileFaults([...at, 'keyFile'], tls.keyFile, (text) => keyFault(text, certificate)),
    ...fileFaults([...at, 'caFile'], tls.caFile, (text) =>
      certificateIn(text) === undefined ? 'holds no PEM certificate' : undefined,
    ),
  ];
}

function certificateIn(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

function keyFault(text: string, certificate: X509Certificate | undefined): string | undefined {
  try {
    const key = createPrivateKey(text);
    return (certificate?.checkPrivateKey(key) ?? true)
      ? undefined
      : 'does not belong to the certificate in certFile';
  } catch {
    return 'holds no PEM private key without a passphrase';
  }
}
