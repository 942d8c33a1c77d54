import { lookup as dnsLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Addresses that lead into a private network, to this machine, or nowhere (IANA special-purpose registries). */
const internal = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  internal.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  internal.addSubnet(net, prefix, 'ipv6');
}

export type AddressKind = 'public' | 'loopback' | 'internal';

/** What an IP address leads to. IPv4 addresses inside IPv6 ones (mapped, 6to4, NAT64) are judged as IPv4. */
export function addressKind(address: string): AddressKind {
  const family = isIP(address);
  if (family === 0) return 'internal';
  if (family === 6) {
    const embedded = embeddedIpv4(address);
    if (embedded !== undefined) return addressKind(embedded);
  }
  const version = family === 4 ? 'ipv4' : 'ipv6';
  if (loopback.check(address, version)) return 'loopback';
  return internal.check(address, version) ? 'internal' : 'public';
}

function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(address);
  const starts = (...prefix: number[]): boolean => prefix.every((group, index) => groups[index] === group);
  if (starts(0, 0, 0, 0, 0, 0xffff)) return ipv4Of(groups[6], groups[7]);
  if (starts(0x64, 0xff9b, 0, 0, 0, 0)) return ipv4Of(groups[6], groups[7]);
  if (starts(0x2002)) return ipv4Of(groups[1], groups[2]);
  return undefined;
}

function ipv4Of(high = 0, low = 0): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight 16-bit groups of a valid IPv6 address. */
function ipv6Groups(address: string): number[] {
  let text = address.split('%', 1)[0] ?? '';
  const dotted = /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(1).map(Number) as [number, number, number, number]; // four digits matched
    text = text.slice(0, dotted.index + 1) + `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = text.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].map((group) => parseInt(group, 16));
}

/** True for names and literals that mean this machine: only these may lead to loopback addresses. */
export function namesLoopback(hostname: string): boolean {
  const host = bare(hostname);
  if (isIP(host) !== 0) return addressKind(host) === 'loopback';
  return host === 'localhost' || host.endsWith('.localhost');
}

/**
 * Why a configured URL must not be connected to, `undefined` when it may be as far as the URL tells. A name that
 * resolves to a forbidden address is refused by the lookup.
 */
export function urlRefusal(url: URL, allowPrivateNetwork: boolean): string | undefined {
  if (allowPrivateNetwork || namesLoopback(url.hostname)) return undefined;
  if (url.protocol === 'http:') return 'plain http is allowed only to this machine';
  const host = bare(url.hostname);
  return isIP(host) !== 0 && addressKind(host) !== 'public' ? `${host} is a private address` : undefined;
}

type Resolve = (
  hostname: string,
  options: { all: true; family?: number | undefined },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A lookup for sockets that drops forbidden addresses. The socket connects to what was checked here: no second
 * resolution could lead elsewhere.
 */
export function guardedLookup(
  allowPrivateNetwork: boolean,
  resolve: Resolve = (hostname, options, callback) =>
    dnsLookup(hostname, { all: true, family: options.family ?? 0 }, callback),
): LookupFunction {
  return (hostname, options, callback) => {
    const family = typeof options.family === 'number' ? options.family : 0;
    resolve(hostname, { all: true, family }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => isAllowed(hostname, address, allowPrivateNetwork));
      const [first] = allowed;
      if (first === undefined) {
        const refusal: NodeJS.ErrnoException = new Error(`${hostname} resolves to a private address`);
        refusal.code = 'EPRIVATE';
        return callback(refusal, '', 0);
      }
      // With `all`, node's own type leaves the shape to the caller's options.
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function isAllowed(hostname: string, address: string, allowPrivateNetwork: boolean): boolean {
  const kind = addressKind(address);
  return allowPrivateNetwork || kind === 'public' || (kind === 'loopback' && namesLoopback(hostname));
}

function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.toLowerCase();
}
