/** Who calls. Tenant and id are part of every cache key, session, pool and limit. */
export interface Principal {
  readonly tenant: string;
  readonly id: string;
}

/** Id of the principal that callers without a key act as. */
export const ANONYMOUS_ID = 'anonymous';

/** Whether two principals are the same caller. */
export function samePrincipal(a: Principal, b: Principal): boolean {
  return a === b || (a.id === b.id && a.tenant === b.tenant);
}
