import { LRUCache } from 'lru-cache';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Principal } from '@mcp-bridge/link';
import { Session } from './session.js';

/** Ids of ended sessions that are remembered, so that their tokens stay dead. */
const MAX_TERMINATED = 100_000;

export interface SessionStoreOptions {
  readonly idleTtlMs: number;
  /** Called once per session that ends or idles out. */
  readonly onEnd: (session: Session) => void;
  readonly now?: () => number;
}

/** The legacy sessions whose home is this router. */
export class SessionStore {
  readonly #sessions = new Map<string, Session>();
  readonly #terminated = new LRUCache<string, true>({ max: MAX_TERMINATED });
  readonly #options: SessionStoreOptions;
  readonly #now: () => number;
  readonly #watchers = new Set<(session: string) => void>();

  constructor(options: SessionStoreOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get size(): number {
    return this.#sessions.size;
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * The session, made on first use: its token proved at the gateway that it exists.
   * @throws {BridgeError} SESSION_NOT_FOUND when it was ended, or belongs to another principal
   */
  open(id: string, principal: Principal, view: string): Session {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      if (this.#terminated.has(id)) throw notFound();
      session = new Session(id, principal, view, this.#now());
      this.#sessions.set(id, session);
    } else if (!session.belongsTo(principal)) {
      throw notFound();
    }
    session.lastUsedAt = this.#now();
    return session;
  }

  /** Ends a session for good (DELETE). */
  terminate(id: string, principal: Principal): void {
    const session = this.#sessions.get(id);
    if (session !== undefined && !session.belongsTo(principal)) throw notFound();
    if (this.#terminated.has(id)) throw notFound();
    this.#terminated.set(id, true);
    if (session !== undefined) this.#end(session, 'deleted by the client');
  }

  /** Tells of each session that gateways may not give lists to any more. Returns how to end that. */
  watch(onStale: (session: string) => void): () => void {
    this.#watchers.add(onStale);
    return () => void this.#watchers.delete(onStale);
  }

  /** Lets gateways give the session its lists without asking here; false when it has ended meanwhile. */
  lendLists(id: string): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    session.listsKept = true;
    return true;
  }

  /** The session's lists are its own from now on, if it is one that gateways were allowed to give lists to. */
  takeBackLists(id: string): void {
    const session = this.#sessions.get(id);
    if (session?.listsKept !== true) return;
    session.listsKept = false;
    for (const watcher of this.#watchers) watcher(id);
  }

  /** Drops what has been idle for longer than the TTL; the token may bring such a session back. */
  reap(): void {
    const limit = this.#now() - this.#options.idleTtlMs;
    for (const session of this.#sessions.values()) {
      if (session.idle && session.lastUsedAt < limit) this.#end(session, 'idle');
    }
  }

  close(): void {
    for (const session of [...this.#sessions.values()]) this.#end(session, 'the router is shutting down');
  }

  #end(session: Session, reason: string): void {
    this.takeBackLists(session.id);
    this.#sessions.delete(session.id);
    session.end(reason);
    this.#options.onEnd(session);
  }
}

function notFound(): BridgeError {
  return new BridgeError('SESSION_NOT_FOUND', 'Session not found');
}
