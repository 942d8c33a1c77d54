/** How long, and how many, ended sessions are remembered here. The home router remembers them too. */
export interface TerminatedSessionsOptions {
  readonly ttlMs: number;
  readonly maxEntries: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Sessions that were ended by DELETE or that their router does not know any more: their tokens open no more. */
export interface TerminatedSessions {
  add(session: string): void;
  has(session: string): boolean;
  readonly size: number;
}

export function createTerminatedSessions(options: TerminatedSessionsOptions): TerminatedSessions {
  /** In the order of adding, so the oldest are first. */
  const expiry = new Map<string, number>();
  const evict = (now: number): void => {
    for (const [session, expiresAt] of expiry) {
      if (expiresAt > now && expiry.size <= options.maxEntries) return;
      expiry.delete(session);
    }
  };
  return {
    add(session) {
      const now = options.now();
      expiry.delete(session);
      expiry.set(session, now + options.ttlMs);
      evict(now);
    },
    has(session) {
      if (expiry.size === 0) return false;
      const expiresAt = expiry.get(session);
      return expiresAt !== undefined && expiresAt > options.now();
    },
    get size() {
      return expiry.size;
    },
  };
}
