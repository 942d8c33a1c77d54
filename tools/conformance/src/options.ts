import { parseArgs } from 'node:util';

/** The protocol revisions that the suite has requirement sets for. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

/** `one`: `mcp-bridge start`. `two`: `mcp-bridge router` and `mcp-bridge gateway`. `direct`: no bridge at all. */
export type Topology = 'one' | 'two' | 'direct';
export type UpstreamTransport = 'stdio' | 'http';
/** What the server behind the bridge speaks. */
export type UpstreamEra = 'legacy' | 'modern' | 'both';

/** What the suite's HTTP is turned into on its way to the bridge. */
export const TRANSPORTS = ['http', 'sse', 'websocket', 'tcp', 'tcp-framed', 'tcp-msgpack'] as const;
export type ClientTransport = (typeof TRANSPORTS)[number];

/** One run of the suite: what is tested, and what stands at the other end of the bridge. */
export interface RunPlan {
  /** What the bridge is to the suite: a `server` that it calls, or the `client` that calls it. */
  readonly leg: 'server' | 'client';
  /** What the suite speaks. */
  readonly revision: Revision;
  readonly transport: ClientTransport;
  readonly topology: Topology;
  readonly upstream: UpstreamTransport;
  /** What the other end speaks: the server behind the bridge, or (leg `client`) the client in front of it. */
  readonly era: UpstreamEra;
}

export interface Options {
  readonly plans: readonly RunPlan[];
  /** The Inspector's command line instead of the suite. */
  readonly inspector: boolean;
  /** One scenario by name instead of the revision's set. */
  readonly scenario: string | undefined;
  /** Runs at the same time. Some scenarios only wait. */
  readonly jobs: number;
  /** Where the suite's own results are kept; a temporary folder when absent. */
  readonly outputFolder: string | undefined;
  readonly jsonFile: string | undefined;
  /** Limit of one scenario. */
  readonly timeoutMs: number;
  /** Prints warnings of the suite and, after a failure, what the services logged. */
  readonly verbose: boolean;
}

export const USAGE = `Runs the official MCP conformance suite against the bridge in front of the fixture server.

  npx nx conformance -- [options]

Without options: both revisions over HTTP, one and two processes, upstreams over stdio and HTTP of the client's own era.

  --matrix             all four pairs of client and upstream era: over HTTP in every arrangement, over the other
                       transports as one process with a stdio upstream; and the client scenarios
  --client             only the suite's client scenarios: the bridge is the client of the suite's servers, and a
                       client of either era stands in front of it
  --only REVISION      2025-11-25 or 2026-07-28
  --transport NAME     http, sse (2024-11-05), websocket, tcp (lines), tcp-framed or tcp-msgpack
  --topology NAME      one (gateway and router in one process) or two
  --upstream NAME      stdio or http
  --era NAME           what the upstream speaks: legacy, modern, both, or same (as the client; the default);
                       with --client what the client in front speaks: legacy or modern (default: each)
  --direct             without the bridge: what can be reached
  --inspector          the MCP Inspector's command line instead of the suite, against an upstream of both eras
  --scenario NAME      one scenario instead of the revision's set
  --jobs N             runs at the same time, default 2
  --timeout MS         limit of one scenario, default 30000
  -o, --output DIR     keep the suite's results
  --json FILE          write all results as JSON
  --verbose            print warnings, and the services' logs of failed runs
  --help

Exits 1 when a scored scenario failed, 64 for wrong arguments, 69 when the suite cannot be installed.`;

/**
 * Reads the command line.
 *
 * @returns `help` when that was asked for
 * @throws {Error} naming the flag and the values that it takes
 */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      matrix: { type: 'boolean', default: false },
      client: { type: 'boolean', default: false },
      only: { type: 'string' },
      transport: { type: 'string' },
      topology: { type: 'string' },
      upstream: { type: 'string' },
      era: { type: 'string' },
      direct: { type: 'boolean', default: false },
      inspector: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      timeout: { type: 'string', default: '30000' },
      output: { type: 'string', short: 'o' },
      json: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const timeoutMs = Number(values.timeout);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) throw new Error('--timeout takes milliseconds');
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error('--jobs takes a number');
  return {
    plans: plansOf(values),
    inspector: values.inspector,
    scenario: values.scenario,
    jobs,
    outputFolder: values.output,
    jsonFile: values.json,
    timeoutMs,
    verbose: values.verbose,
  };
}

interface Flags {
  readonly matrix: boolean;
  readonly client: boolean;
  readonly direct: boolean;
  readonly inspector: boolean;
  readonly only?: string | undefined;
  readonly transport?: string | undefined;
  readonly topology?: string | undefined;
  readonly upstream?: string | undefined;
  readonly era?: string | undefined;
  readonly scenario?: string | undefined;
}

function plansOf(flags: Flags): readonly RunPlan[] {
  if (flags.matrix && flags.era !== undefined) throw new Error('--matrix has every --era; give one of them');
  if (flags.matrix && flags.direct)
    throw new Error('--matrix has pairs of eras that meet only in the bridge, and --direct leaves it out');
  const transports = pick('--transport', flags.transport, TRANSPORTS);
  if (flags.client) {
    if (flags.transport !== undefined) throw new Error('--client is about the upstream; --transport is not');
    return clientPlans(flags);
  }
  if (flags.direct && flags.transport !== undefined && flags.transport !== 'http')
    throw new Error('--direct has no bridge that could take another --transport');
  if (!flags.matrix)
    return flags.transport === undefined ? serverPlans(flags, ['http']) : serverPlans(flags, transports);
  const { topology = 'one', upstream = 'stdio' } = flags;
  return [
    ...serverPlans(
      flags,
      transports.filter((transport) => transport === 'http'),
    ),
    ...serverPlans(
      { ...flags, topology, upstream },
      transports.filter((transport) => transport !== 'http'),
    ),
    ...(withClientPlans(flags) ? clientPlans(flags) : []),
  ];
}

/** They exist in one arrangement only; flags that ask for another, or for a server scenario, leave them out. */
function withClientPlans({ transport, topology, upstream, scenario }: Flags): boolean {
  return (
    (transport === undefined || transport === 'http') &&
    (topology === undefined || topology === 'one') &&
    (upstream === undefined || upstream === 'http') &&
    scenario === undefined
  );
}

const ERAS = ['legacy', 'modern', 'both', 'same'] as const;

function serverPlans(flags: Flags, transports: readonly ClientTransport[]): RunPlan[] {
  const { inspector, direct, matrix } = flags;
  // The Inspector is told what to speak, call by call.
  const revisions = inspector ? (['2026-07-28'] as const) : pick('--only', flags.only, REVISIONS);
  const topologies: readonly Topology[] = direct
    ? ['direct']
    : pick('--topology', flags.topology, ['one', 'two']);
  // Straight against the fixture there is nothing that could spawn it.
  const upstreams: readonly UpstreamTransport[] = direct
    ? ['http']
    : pick('--upstream', flags.upstream, ['stdio', 'http']);
  const eras = matrix
    ? (['legacy', 'modern'] as const)
    : pick('--era', flags.era ?? (inspector ? 'both' : 'same'), ERAS);
  return transports.flatMap((transport) =>
    // HTTP+SSE was replaced by Streamable HTTP before there were stateless requests.
    revisions
      .filter((revision) => transport !== 'sse' || eraOf(revision) === 'legacy')
      .flatMap((revision) =>
        eras.flatMap((chosen) =>
          topologies.flatMap((topology) =>
            upstreams.map((upstream) => {
              const era = chosen === 'same' ? eraOf(revision) : chosen;
              return { leg: 'server' as const, revision, transport, topology, upstream, era };
            }),
          ),
        ),
      ),
  );
}

/** The suite's servers speak HTTP, and which process of the bridge calls them makes no difference. */
function clientPlans(flags: Flags): RunPlan[] {
  const eras = pick('--era', flags.era, ['legacy', 'modern']);
  const topology = flags.direct ? 'direct' : 'one';
  return pick('--only', flags.only, REVISIONS).flatMap((revision) =>
    // Without the bridge a client reaches only servers of its own era.
    eras
      .filter((era) => !flags.direct || era === eraOf(revision))
      .map((era) => ({ leg: 'client', revision, transport: 'http', topology, upstream: 'http', era })),
  );
}

/** The era that a revision belongs to. */
export function eraOf(revision: Revision): 'legacy' | 'modern' {
  return revision === '2026-07-28' ? 'modern' : 'legacy';
}

/** All values without a flag, else the one that it names. */
function pick<Value extends string>(
  flag: string,
  text: string | undefined,
  values: readonly Value[],
): readonly Value[] {
  if (text === undefined) return values;
  const value = values.find((candidate) => candidate === text);
  if (value === undefined) throw new Error(`${flag} takes ${values.join(' or ')}, not "${text}"`);
  return [value];
}
