import { createHash } from 'node:crypto';
import { BridgeError } from '@mcp-bridge/protocol';
import type { BridgeConfig } from '@mcp-bridge/service';
import { allowedBy } from './glob.js';
import type { Globs } from './glob.js';

/** Stands between a server's name and its tool's; server names cannot contain it. */
const SEPARATOR = '__';

/** Where a client's name leads. */
export interface Target {
  readonly server: string;
  readonly upstreamName: string;
}

/** What one path under `/mcp` shows: which servers, under which names, and what of them. */
export interface View {
  /** `''` is the default view. */
  readonly name: string;
  /** Name, and a digest of what it shows: that of another configuration may show something else. */
  readonly id: string;
  /** True when tools and prompts are called `server__name`; false in a single server's own view. */
  readonly prefixed: boolean;
  /** Enabled servers in the order of the configuration. */
  readonly servers: readonly string[];
  /** Needs no list: the server is what stands before the first `__`. `undefined`: not in this view. */
  resolveTool(clientName: string): Target | undefined;
  resolvePrompt(clientName: string): Target | undefined;
  /** True when the view shows this URI of this server; the globs match the URI. */
  allowsResource(uri: string, server: string): boolean;
  /**
   * The name under which clients of this view see a tool; `undefined` when the globs hide it.
   * The result may break the rule for names (over 128 characters): see `isValidToolName`.
   */
  clientToolName(server: string, upstreamName: string): string | undefined;
  clientPromptName(server: string, upstreamName: string): string | undefined;
}

/** All views of one configuration. */
export interface Views {
  viewOf(name: string): View | undefined;
  /** @throws {BridgeError} METHOD_NOT_FOUND naming the view; the gateway answers it as 404 */
  requireView(name: string): View;
  readonly all: readonly View[];
}

interface ViewConfiguration {
  readonly servers: Readonly<Record<string, { readonly disabled: boolean }>>;
  readonly views: BridgeConfig['views'];
}

const EVERYTHING: Globs = { deny: [] };

/**
 * Compiles the views of a configuration: the default one over every enabled server, one per server, and the
 * configured ones. Configuration that loaded is sound: no view has a server's name or names an unknown one.
 */
export function createViews(config: ViewConfiguration): Views {
  const enabled = Object.keys(config.servers).filter((name) => config.servers[name]?.disabled !== true);
  const views = new Map<string, View>();
  views.set('', selection('', enabled, EVERYTHING, EVERYTHING, EVERYTHING));
  for (const [name, view] of Object.entries(config.views)) {
    const servers = enabled.filter((server) => view.servers.includes(server));
    views.set(name, selection(name, servers, view.tools, view.prompts, view.resources));
  }
  // Servers last: should a view have a server's name after all, the narrower meaning wins.
  for (const server of enabled) views.set(server, singleServer(server));
  return {
    viewOf: (name) => views.get(name),
    requireView(name) {
      const view = views.get(name);
      if (view !== undefined) return view;
      throw new BridgeError('METHOD_NOT_FOUND', `There is no view or server "${name.slice(0, 64)}" here`);
    },
    all: [...views.values()],
  };
}

function selection(
  name: string,
  servers: readonly string[],
  tools: Globs,
  prompts: Globs,
  resources: Globs,
): View {
  const members = new Set(servers);
  const resolve = (clientName: string, globs: Globs): Target | undefined => {
    const at = clientName.indexOf(SEPARATOR);
    if (at <= 0) return undefined;
    const server = clientName.slice(0, at);
    const upstreamName = clientName.slice(at + SEPARATOR.length);
    if (upstreamName === '' || !members.has(server) || !allowedBy(globs, clientName)) return undefined;
    return { server, upstreamName };
  };
  const clientName = (server: string, upstreamName: string, globs: Globs): string | undefined => {
    const prefixed = `${server}${SEPARATOR}${upstreamName}`;
    return members.has(server) && allowedBy(globs, prefixed) ? prefixed : undefined;
  };
  const shown = JSON.stringify([servers, tools, prompts, resources]);
  return {
    name,
    id: `${name}\0${createHash('sha256').update(shown).digest('base64url').slice(0, 16)}`,
    prefixed: true,
    servers,
    resolveTool: (clientToolName) => resolve(clientToolName, tools),
    resolvePrompt: (clientPromptName) => resolve(clientPromptName, prompts),
    allowsResource: (uri, server) => members.has(server) && allowedBy(resources, uri),
    clientToolName: (server, upstreamName) => clientName(server, upstreamName, tools),
    clientPromptName: (server, upstreamName) => clientName(server, upstreamName, prompts),
  };
}

function singleServer(server: string): View {
  const resolve = (upstreamName: string): Target | undefined =>
    upstreamName === '' ? undefined : { server, upstreamName };
  const clientName = (owner: string, upstreamName: string): string | undefined =>
    owner === server ? upstreamName : undefined;
  return {
    name: server,
    id: `${server}\0`,
    prefixed: false,
    servers: [server],
    resolveTool: resolve,
    resolvePrompt: resolve,
    allowsResource: (_uri, owner) => owner === server,
    clientToolName: clientName,
    clientPromptName: clientName,
  };
}
