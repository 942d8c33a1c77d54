import { isModernVersion, META } from '../adapt/era.js';
import type { UpstreamInfo } from '../upstream/channel.js';
import { UPSTREAMS_META } from './missing-servers.js';
import type { MissingServers } from './missing-servers.js';
import type { View } from './views.js';

/** Extension whose wire differs between the eras, so that it passes only between equals. */
const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

type Json = Readonly<Record<string, unknown>>;

/** What is known of one server of a view; `info` is `undefined` for one that never answered. */
export interface DescribedServer {
  readonly server: string;
  readonly info: UpstreamInfo | undefined;
}

export interface DescriptionFrame {
  readonly supportedVersions: readonly string[];
  /** Of the bridge itself, for views over several servers. */
  readonly bridgeInfo: Json;
  readonly ttlMs: number;
  /** The state of servers that did not answer; `undefined` when all did. */
  readonly upstreams: MissingServers | undefined;
}

/**
 * The `server/discover` result of a view: the union of what its servers can do, as far as the bridge carries it
 * end to end for a client of this revision.
 */
export function describeView(
  view: View,
  servers: readonly DescribedServer[],
  protocolVersion: string,
  frame: DescriptionFrame,
): Buffer {
  const modern = isModernVersion(protocolVersion);
  const only = view.prefixed ? undefined : servers[0]?.info;
  const instructions = view.prefixed ? joinedInstructions(servers) : only?.instructions;
  const result = {
    resultType: 'complete',
    supportedVersions: frame.supportedVersions,
    capabilities: { ...union(servers), ...(only === undefined ? {} : singleServerExtras(only, modern)) },
    ...(instructions === undefined || instructions === '' ? {} : { instructions }),
    ttlMs: frame.ttlMs,
    // Servers do not tell the bridge whether their description is for everybody.
    cacheScope: 'private',
    _meta: {
      [META.serverInfo]: only?.serverInfo ?? frame.bridgeInfo,
      ...(frame.upstreams === undefined ? {} : { [UPSTREAMS_META]: frame.upstreams }),
    },
  };
  return Buffer.from(JSON.stringify(result));
}

function union(servers: readonly DescribedServer[]): Json {
  const all = servers.map(({ info }) => info?.capabilities);
  const any = (capability: string): boolean => all.some((one) => one?.[capability] !== undefined);
  // A server that has not answered yet may have anything to list; its lists are empty until it does.
  const unknown = all.includes(undefined);
  const subscribe = all.some((one) => isObject(one?.['resources']) && one['resources']['subscribe'] === true);
  return {
    ...(any('tools') || unknown ? { tools: { listChanged: true } } : {}),
    ...(any('prompts') || unknown ? { prompts: { listChanged: true } } : {}),
    ...(any('resources') || unknown
      ? { resources: { ...(subscribe ? { subscribe: true } : {}), listChanged: true } }
      : {}),
    ...(any('logging') ? { logging: {} } : {}),
    ...(any('completions') ? { completions: {} } : {}),
  };
}

/** What passes through untouched when one server stands behind the view, but cannot be merged from several. */
function singleServerExtras(info: UpstreamInfo, modern: boolean): Json {
  const { experimental, extensions, tasks } = info.capabilities;
  const sameEra = modern === (info.era === 'modern');
  const passing = isObject(extensions)
    ? Object.fromEntries(Object.entries(extensions).filter(([key]) => sameEra || key !== TASKS_EXTENSION))
    : {};
  return {
    ...(isObject(experimental) ? { experimental } : {}),
    ...(Object.keys(passing).length === 0 ? {} : { extensions: passing }),
    ...(sameEra && !modern && isObject(tasks) ? { tasks } : {}),
  };
}

function joinedInstructions(servers: readonly DescribedServer[]): string {
  return servers
    .flatMap(({ server, info }) =>
      info?.instructions ? [`# ${server} (names begin with ${server}__)\n\n${info.instructions}`] : [],
    )
    .join('\n\n');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
