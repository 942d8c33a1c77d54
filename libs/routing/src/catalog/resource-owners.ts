import { LRUCache } from 'lru-cache';
import type { ListKind } from './list-kind.js';
import { settleWithin } from './settle-within.js';
import type { ListCaller, ListEntry } from './list-entry.js';
import type { UpstreamLists } from './upstream-lists.js';
import { compileUriTemplate } from './uri-template.js';
import type { UriTemplate } from './uri-template.js';
import type { View } from './views.js';

const KINDS: readonly ListKind[] = ['resources', 'resourceTemplates'];

/** Finds the server that a resource's URI belongs to in a view over several. */
export class ResourceOwners {
  readonly #lists: UpstreamLists;
  readonly #timeoutMs: number;
  readonly #templates = new LRUCache<string, { readonly compiled: UriTemplate | undefined }>({ max: 10_000 });

  constructor(lists: UpstreamLists, timeoutMs: number) {
    this.#lists = lists;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The first server, in the order of the view, that lists the URI (or has it as a template: completion asks so);
   * else the first whose template matches it; else the only server that has resources at all.
   * Lists that are out of date serve; only when they do not know the URI are they fetched again.
   */
  async find(view: View, uri: string, caller: ListCaller): Promise<string | undefined> {
    const candidates = view.servers.filter((server) => view.allowsResource(uri, server));
    if (candidates.length < 2) return candidates[0];
    // A listed URI must not wait for a server whose lists are not there yet.
    const listed = this.#listing(candidates, uri, caller);
    if (listed !== undefined) return listed;
    await this.#fetch(candidates, caller, (server, kind) => this.#lists.known(server, kind, caller));
    const owner = this.#lookUp(candidates, uri, caller);
    if (owner !== undefined) return owner;
    const capable = candidates.filter((server) => this.#mayHaveResources(server));
    if (capable.length < 2) return capable[0];
    const fetched = await this.#fetch(candidates, caller, (server, kind) =>
      this.#lists.fresh(server, kind, caller),
    );
    return fetched ? this.#lookUp(candidates, uri, caller) : undefined;
  }

  /** A server that never answered may have anything. */
  #mayHaveResources(server: string): boolean {
    const info = this.#lists.infoOf(server);
    return info === undefined || info.capabilities['resources'] !== undefined;
  }

  /** Fetches what `have` does not have; false when that was nothing. */
  async #fetch(
    servers: readonly string[],
    caller: ListCaller,
    have: (server: string, kind: ListKind) => ListEntry | undefined,
  ): Promise<boolean> {
    const loads = servers.flatMap((server) =>
      KINDS.filter((kind) => have(server, kind) === undefined).map((kind) =>
        this.#lists.load(server, kind, caller),
      ),
    );
    if (loads.length === 0) return false;
    await settleWithin(loads, this.#timeoutMs);
    return true;
  }

  #lookUp(servers: readonly string[], uri: string, caller: ListCaller): string | undefined {
    return (
      this.#listing(servers, uri, caller) ??
      servers.find((server) => this.#matchesTemplate(server, uri, caller))
    );
  }

  #listing(servers: readonly string[], uri: string, caller: ListCaller): string | undefined {
    return servers.find((server) =>
      KINDS.some((kind) => this.#lists.known(server, kind, caller)?.body.byKey.has(uri) === true),
    );
  }

  #matchesTemplate(server: string, uri: string, caller: ListCaller): boolean {
    const templates = this.#lists.known(server, 'resourceTemplates', caller)?.body.definitions ?? [];
    return templates.some((template) => this.#compiled(template.key)?.matches(uri) === true);
  }

  #compiled(template: string): UriTemplate | undefined {
    let found = this.#templates.get(template);
    if (found === undefined) {
      found = { compiled: compileUriTemplate(template) };
      this.#templates.set(template, found);
    }
    return found.compiled;
  }
}
