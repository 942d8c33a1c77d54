import { BridgeError } from '@mcp-bridge/protocol';
import type { HostPolicy } from './host-policy.js';
import type { OriginPolicy } from './origin-policy.js';

/** What admission looks at, of a request or an upgrade. Absent headers are `''`. */
export interface AdmissionHead {
  readonly origin: string;
  readonly host: string;
  /** Why the head is malformed, `''` when it is not. */
  readonly fault: string;
}

export interface AdmissionPolicies {
  readonly hosts: HostPolicy;
  readonly origins: OriginPolicy;
}

/** Why somebody is not let in. */
export interface Refusal {
  /** Label for metrics. */
  readonly reason: 'origin' | 'host' | 'auth' | 'draining' | 'malformed';
  readonly error: BridgeError;
}

/**
 * Refuses pages that may not call, malformed heads, and hosts that are not served; undefined admits.
 * Origin before all else, on every route: a hostile page must not even learn what is served.
 */
export function refusalOf({ origins, hosts }: AdmissionPolicies, head: AdmissionHead): Refusal | undefined {
  if (head.origin !== '' && !origins.allows(head.origin)) {
    return refusal('origin', 'DENIED', 'This Origin may not call; see gateway.allowedOrigins');
  }
  if (head.fault !== '') return refusal('malformed', 'INVALID_REQUEST', head.fault);
  if (head.host === '') return refusal('malformed', 'INVALID_REQUEST', 'The Host header is missing');
  if (!hosts.allows(head.host)) {
    return refusal('host', 'DENIED', 'This Host is not served; see gateway.allowedHosts');
  }
  return undefined;
}

export function draining(): Refusal {
  const error = new BridgeError('DRAINING', 'The gateway is shutting down; connect again', {
    data: '{"retryAfterMs":1000}',
  });
  return { reason: 'draining', error };
}

/** What `WWW-Authenticate` says with it. */
export const CHALLENGE = 'Bearer realm="mcp-bridge"';

export function unauthenticated(): Refusal {
  return refusal('auth', 'UNAUTHENTICATED', 'Send a valid API key as "Authorization: Bearer …" or X-Api-Key');
}

function refusal(
  reason: Refusal['reason'],
  code: 'DENIED' | 'INVALID_REQUEST' | 'UNAUTHENTICATED',
  why: string,
): Refusal {
  return { reason, error: new BridgeError(code, why) };
}
