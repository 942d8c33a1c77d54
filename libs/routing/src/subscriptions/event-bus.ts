import type { Views } from '../catalog/views.js';

/** The lists that can change. */
export type ListKind = 'tools' | 'prompts' | 'resources';

export const CHANGING_LISTS: readonly ListKind[] = ['tools', 'prompts', 'resources'];

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

/** Hears list changes in the view that it registered for. */
export interface ChangeListener {
  readonly audience: Audience;
  onListChanged(kind: ListKind): void;
}

/** Carries list changes from upstream channels, and from the configuration, to session streams and modern listeners. */
export class EventBus {
  readonly #views: Pick<Views, 'viewOf'>;
  readonly #listeners = new Map<string, Set<ChangeListener>>();

  /** @param views - the views in force: which servers a listener hears may change while it listens */
  constructor(views: Pick<Views, 'viewOf'>) {
    this.#views = views;
  }

  /**
   * @param view - name of the view whose servers it wants to hear
   * @returns undo
   */
  subscribe(view: string, listener: ChangeListener): () => void {
    let listeners = this.#listeners.get(view);
    if (listeners === undefined) this.#listeners.set(view, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(view) === listeners) this.#listeners.delete(view);
    };
  }

  /** A server's list changed. */
  emit({ server, kind, audience }: ListChange): void {
    for (const [view, listeners] of this.#listeners) {
      if (this.#views.viewOf(view)?.servers.includes(server) !== true) continue;
      for (const listener of listeners) {
        if (concerns(audience, listener.audience)) listener.onListChanged(kind);
      }
    }
  }

  /** A view is not what it was: any of its lists may have changed, for everybody. */
  viewChanged(view: string): void {
    for (const listener of this.#listeners.get(view) ?? []) {
      for (const kind of CHANGING_LISTS) listener.onListChanged(kind);
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
