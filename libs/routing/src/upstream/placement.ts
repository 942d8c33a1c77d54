import { createHash } from 'node:crypto';
import { OWN_DECLARATION } from './handshake.js';
import type { ChannelScope, Era } from './channel.js';
import type { Audience } from './conversation.js';
import type { Declaration } from './handshake.js';

/** Which channel a caller gets: callers with equal keys share one. */
export interface Placement {
  readonly key: string;
  readonly era: Era;
  readonly audience: Audience;
  readonly declaration: Declaration;
  /** Lent to one caller at a time, because the upstream may ask that caller's client for input. */
  readonly exclusive: boolean;
  /** Serves one client only. */
  readonly owned: boolean;
  /** May be served by several processes alike (`poolSize`). */
  readonly pooled: boolean;
  /** The tenant that it serves alone, `''` when it serves everybody. */
  readonly tenant: string;
  /** The legacy session that it ends with, `''` for none. */
  readonly session: string;
}

/** The channel of everybody, in the era that the server prefers: lists, descriptions, and all stateless traffic. */
export const SHARED_KEY = 'shared';

export type Isolation = 'session' | 'tenant' | 'shared';

const SHARED: Readonly<Record<Era, Placement>> = {
  legacy: everybodys('legacy'),
  modern: everybodys('modern'),
};

export function sharedPlacement(era: Era): Placement {
  return SHARED[era];
}

function everybodys(era: Era): Placement {
  return {
    key: SHARED_KEY,
    era,
    audience: 'shared',
    declaration: OWN_DECLARATION,
    exclusive: false,
    owned: false,
    pooled: true,
    tenant: '',
    session: '',
  };
}

/**
 * Whose state may meet whose (README, "Upstreams", isolation).
 * @param era - the era to drive the server in
 * @param ownEra - the era that the server prefers
 */
export function placementFor(scope: ChannelScope, isolation: Isolation, era: Era, ownEra: Era): Placement {
  const shared = sharedPlacement(era);
  if (era === 'modern') return shared;
  if (isolation === 'shared') return ownEra === era ? shared : { ...shared, key: `${SHARED_KEY}\0${era}` };
  const { tenant, session, capabilities } = scope;
  if (isolation === 'tenant') return { ...shared, key: `tenant\0${tenant}`, pooled: false, tenant };
  const exclusive = session === '' && asksForInput(capabilities);
  // Written out: this is made for every call, and spreading takes several times as long.
  return {
    key: session === '' ? callerKey(scope, exclusive) : `session\0${session}`,
    era,
    audience: session === '' && !exclusive ? 'principal' : 'client',
    declaration: { capabilities, clientInfo: scope.clientInfo },
    exclusive,
    owned: true,
    pooled: false,
    tenant,
    session,
  };
}

function callerKey({ tenant, principal, capabilities }: ChannelScope, exclusive: boolean): string {
  return `${exclusive ? 'lease' : 'caller'}\0${tenant}\0${principal}\0${capabilities}`;
}

/**
 * What a refused start counts against: the placement as this client describes itself. Callers with one key may
 * describe themselves differently, and a server may refuse one of them for that.
 */
export function refusalKeyOf({ key, declaration }: Placement): string {
  return `${key}\0${createHash('sha256').update(declaration.clientInfo).digest('base64')}`;
}

/** True when a server may send requests to a client with these capabilities. */
function asksForInput(capabilities: string): boolean {
  if (capabilities === '{}') return false;
  // Raw JSON object, validated at the border.
  const declared = JSON.parse(capabilities) as Record<string, unknown>;
  return ['sampling', 'elicitation', 'roots'].some((name) => declared[name] !== undefined);
}
