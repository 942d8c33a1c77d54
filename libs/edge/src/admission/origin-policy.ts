import { isLoopbackName } from './loopback.js';

/** Which browser pages may call (every revision's transports page: "Servers MUST validate the Origin header"). */
export interface OriginPolicy {
  /** @param origin - not empty; a request without the header does not come from a page */
  allows(origin: string): boolean;
}

export interface OriginPolicyOptions {
  readonly boundHost: string;
  /** `scheme://host[:port]`, compared whole. */
  readonly allowedOrigins: readonly string[];
}

const ORIGIN = /^https?:\/\/(\[[0-9a-f:.]+\]|[^[\]:/@\s]+)(?::\d{1,5})?$/;

/** Pages of this machine may call a gateway that is bound to it; all others must be listed. */
export function createOriginPolicy({ boundHost, allowedOrigins }: OriginPolicyOptions): OriginPolicy {
  const allowed = new Set(allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, '')));
  // `null` is the origin of sandboxed frames and files: anybody's.
  allowed.delete('null');
  const local = isLoopbackName(boundHost);
  return {
    allows(origin) {
      const lower = origin.toLowerCase();
      if (allowed.has(lower)) return true;
      const name = local ? ORIGIN.exec(lower)?.[1] : undefined;
      return name !== undefined && isLoopbackName(name);
    },
  };
}
