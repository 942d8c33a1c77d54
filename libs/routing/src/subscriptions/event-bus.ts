/** The lists that can change. */
export type ListKind = 'tools' | 'prompts' | 'resources';

/** Whom a change concerns: everybody who sees the server, or only those whose own channel announced it. */
export interface Audience {
  readonly tenant: string;
  readonly principal: string;
  /** Legacy session; `''` addresses every stateless listener of the principal. */
  readonly session: string;
}

export interface ListChange {
  readonly server: string;
  readonly kind: ListKind;
  readonly audience: Audience | undefined;
}

/** Hears list changes of the servers that it registered for. */
export interface ChangeListener {
  readonly audience: Audience;
  onListChanged(change: ListChange): void;
}

/** Carries list changes from upstream channels to session streams and modern listeners. */
export class EventBus {
  readonly #listeners = new Map<string, Set<ChangeListener>>();

  /** @returns undo */
  subscribe(servers: readonly string[], listener: ChangeListener): () => void {
    for (const server of servers) {
      let listeners = this.#listeners.get(server);
      if (listeners === undefined) this.#listeners.set(server, (listeners = new Set()));
      listeners.add(listener);
    }
    return () => {
      for (const server of servers) this.#listeners.get(server)?.delete(listener);
    };
  }

  emit(change: ListChange): void {
    for (const listener of this.#listeners.get(change.server) ?? []) {
      if (concerns(change.audience, listener.audience)) listener.onListChanged(change);
    }
  }
}

function concerns(audience: Audience | undefined, listener: Audience): boolean {
  if (audience === undefined) return true;
  return (
    audience.tenant === listener.tenant &&
    audience.principal === listener.principal &&
    audience.session === listener.session
  );
}
