import type { View, Views } from './views.js';

/** The views of the configuration that is in force. */
export class LiveViews implements Views {
  #current: Views;

  constructor(first: Views) {
    this.#current = first;
  }

  get all(): readonly View[] {
    return this.#current.all;
  }

  viewOf(name: string): View | undefined {
    return this.#current.viewOf(name);
  }

  requireView(name: string): View {
    return this.#current.requireView(name);
  }

  /**
   * Puts other views in place of all these.
   * @param touched - servers that are not what they were
   * @returns names of the views in which a client may see something else than before
   */
  replace(next: Views, touched: ReadonlySet<string>): string[] {
    const before = this.#current;
    this.#current = next;
    const names = new Set([...before.all, ...next.all].map(({ name }) => name));
    return [...names].filter((name) => {
      const view = next.viewOf(name);
      if (view === undefined || view.id !== before.viewOf(name)?.id) return true;
      return view.servers.some((server) => touched.has(server));
    });
  }
}
