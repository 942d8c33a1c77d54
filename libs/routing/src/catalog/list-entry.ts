import type { Excluded, ListBody } from './definitions.js';
import type { ListKind } from './list-kind.js';

/** Who asks for a list: decides which cached copy may be shown. */
export interface ListCaller {
  readonly tenant: string;
  readonly principal: string;
  /** Legacy session id; `''` for stateless callers. */
  readonly session: string;
}

/** A server's list as it was fetched at one time. */
export interface ListEntry {
  readonly body: ListBody;
  /**
   * `shared`: a legacy server's, the same for everybody but not declared public. `private`: only for the
   * (tenant, principal) that it was fetched for. `session`: from a legacy session's own channel.
   */
  readonly scope: 'public' | 'shared' | 'private' | 'session';
  readonly ttlMs: number;
  readonly fetchedAt: number;
  readonly generation: number;
  readonly truncated: string | undefined;
}

/** A list in `/debug`; private ones show no more than that they are private. */
export interface ListStatus {
  readonly kind: ListKind;
  readonly scope: ListEntry['scope'];
  readonly items?: number;
  readonly bytes?: number;
  readonly ageMs?: number;
  readonly ttlMs?: number;
  readonly excluded?: readonly Excluded[];
  readonly truncated?: string | undefined;
}

/** Lengths in front, so that no choice of names makes two owners look like one. */
export function ownerKey(caller: ListCaller): string {
  return `${caller.tenant.length}:${caller.tenant}:${caller.principal}`;
}
