import { createSessionSealer, type Principal, samePrincipal, type SessionClaims } from '@mcp-bridge/identity';
import { BridgeError, type Revision, revisionOf } from '@mcp-bridge/protocol';
import type { Client } from '../calls/client.js';
import { createTerminatedSessions } from './terminated-sessions.js';

export interface SessionsOptions {
  /** Secrets for the tokens; the first seals, all open. */
  readonly keys: readonly Buffer[];
  /** Unix milliseconds; injected by tests. */
  readonly now?: () => number;
}

/** Legacy sessions. All that is known of one is in its token; this keeps only which ones have ended. */
export interface Sessions {
  /**
   * Begins a session.
   * @throws {BridgeError} INVALID_PARAMS when the client's capabilities are too large for a token
   */
  begin(client: Omit<Client, 'session'>): { readonly token: string; readonly client: Client };
  /**
   * The client that a token stands for.
   * @throws {BridgeError} INVALID_REQUEST without a token; SESSION_NOT_FOUND when it is unknown, altered, ended,
   * of another principal or of another view, all told alike
   */
  resolve(token: string, principal: Principal, view: string): Client;
  /** From now on the session's token opens no more. */
  end(session: string): void;
}

/** Kept this long; by then the home router's idle limit has ended the session too. */
const TERMINATED_TTL_MS = 24 * 3_600_000;
const MAX_TERMINATED = 50_000;
/** Largest client info that goes into a token; longer ones are cut down to what identifies the client. */
const MAX_CLIENT_INFO_CHARACTERS = 512;

export function createSessions(options: SessionsOptions): Sessions {
  const sealer = createSessionSealer(options);
  const terminated = createTerminatedSessions({
    ttlMs: TERMINATED_TTL_MS,
    maxEntries: MAX_TERMINATED,
    now: () => performance.now(),
  });
  /** One client object per claims object: the sealer's cache bounds both. */
  const clients = new WeakMap<SessionClaims, Client>();

  return {
    begin({ principal, view, revision, capabilities, clientInfo }) {
      const { token, claims } = sealer.seal({
        principal,
        view,
        version: revision.version,
        capabilities,
        clientInfo: shortClientInfo(clientInfo),
      });
      const client = clientOf(claims, revision);
      clients.set(claims, client);
      return { token, client };
    },
    resolve(token, principal, view) {
      if (token === '') {
        throw new BridgeError(
          'INVALID_REQUEST',
          'The Mcp-Session-Id header is missing; send initialize first, or a 2026-07-28 request with its _meta',
        );
      }
      const claims = sealer.open(token);
      if (
        claims === undefined ||
        !samePrincipal(claims.principal, principal) ||
        claims.view !== view ||
        terminated.has(claims.id)
      ) {
        throw sessionNotFound();
      }
      const known = clients.get(claims);
      if (known !== undefined) return known;
      const revision = revisionOf(claims.version);
      if (revision === undefined) throw sessionNotFound();
      const client = clientOf(claims, revision);
      clients.set(claims, client);
      return client;
    },
    end(session) {
      terminated.add(session);
    },
  };
}

/** Says nothing about why: a session of somebody else must look like one that never was. */
export function sessionNotFound(): BridgeError {
  return new BridgeError('SESSION_NOT_FOUND', 'Session not found; send initialize again');
}

function clientOf(claims: SessionClaims, revision: Revision): Client {
  const { principal, view, capabilities, clientInfo, id } = claims;
  return { principal, view, revision, capabilities, clientInfo, session: id };
}

/** Icons and descriptions of a client have no place in a header. */
function shortClientInfo(clientInfo: string): string {
  if (clientInfo.length <= MAX_CLIENT_INFO_CHARACTERS) return clientInfo;
  // A JSON object: `initialize` made it from one.
  const { name, title, version } = JSON.parse(clientInfo) as Record<string, unknown>;
  const short = JSON.stringify({ name, title, version });
  return short.length <= MAX_CLIENT_INFO_CHARACTERS ? short : '';
}
