import { isLoopbackName } from './loopback.js';

/** Which `Host` headers are served: a page that rebinds its DNS name to this machine still sends its own name. */
export interface HostPolicy {
  allows(host: string): boolean;
}

export interface HostPolicyOptions {
  readonly boundHost: string;
  /** `name` for any port, `name:port` for one; `*` for any host, where something else checks it. */
  readonly allowedHosts: readonly string[];
}

const HOST = /^(\[[0-9a-f:.]+\]|[^[\]:/@\s]+)(?::(\d{1,5}))?$/;
/** Accepted spellings that are remembered; there are as many as clients have names for this gateway. */
const MAX_REMEMBERED = 1000;

/** Loopback names and the bound host are always served, under any port: no foreign page can have them. */
export function createHostPolicy({ boundHost, allowedHosts }: HostPolicyOptions): HostPolicy {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const any = allowed.has('*');
  const bound = boundHost.toLowerCase();
  const remembered = new Set<string>();
  const decide = (host: string): boolean => {
    const match = HOST.exec(host.toLowerCase());
    const name = match?.[1];
    if (name === undefined) return false;
    return (
      any ||
      isLoopbackName(name) ||
      name === bound ||
      name === `[${bound}]` ||
      allowed.has(name) ||
      allowed.has(host.toLowerCase())
    );
  };
  return {
    allows(host) {
      if (remembered.has(host)) return true;
      if (!decide(host)) return false;
      if (remembered.size < MAX_REMEMBERED) remembered.add(host);
      return true;
    },
  };
}
