import { parseArgs } from 'node:util';

/** The protocol revisions that the suite has requirement sets for. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

/** `one`: `mcp-bridge start`. `two`: `mcp-bridge router` and `mcp-bridge gateway`. `direct`: no bridge at all. */
export type Topology = 'one' | 'two' | 'direct';
export type UpstreamTransport = 'stdio' | 'http';
/** What the server behind the bridge speaks. */
export type UpstreamEra = 'legacy' | 'modern' | 'both';

/** One run of the suite: what is tested, and what stands behind it. */
export interface RunPlan {
  readonly revision: Revision;
  readonly topology: Topology;
  readonly upstream: UpstreamTransport;
  readonly era: UpstreamEra;
}

export interface Options {
  readonly plans: readonly RunPlan[];
  /** The Inspector's command line instead of the suite. */
  readonly inspector: boolean;
  /** One scenario by name instead of the revision's set. */
  readonly scenario: string | undefined;
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

Without options: both revisions, one and two processes, upstreams over stdio and HTTP of the client's own era.

  --matrix             all four pairs of client and upstream era, too
  --only REVISION      2025-11-25 or 2026-07-28
  --topology NAME      one (gateway and router in one process) or two
  --upstream NAME      stdio or http
  --era NAME           what the upstream speaks: legacy, modern, both, or same (as the client; the default)
  --direct             straight against the fixture: what can be reached
  --inspector          the MCP Inspector's command line instead of the suite, against an upstream of both eras
  --scenario NAME      one scenario instead of the revision's set
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
      only: { type: 'string' },
      topology: { type: 'string' },
      upstream: { type: 'string' },
      era: { type: 'string' },
      direct: { type: 'boolean', default: false },
      inspector: { type: 'boolean', default: false },
      scenario: { type: 'string' },
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
  if (values.matrix && values.era !== undefined)
    throw new Error('--matrix has every --era; give one of them');
  return {
    plans: plansOf({
      // The Inspector is told what to speak, call by call.
      revisions: values.inspector ? ['2026-07-28'] : pick('--only', values.only, REVISIONS),
      topologies: values.direct ? ['direct'] : pick('--topology', values.topology, ['one', 'two']),
      // Straight against the fixture there is nothing that could spawn it.
      upstreams: values.direct ? ['http'] : pick('--upstream', values.upstream, ['stdio', 'http']),
      eras: values.matrix
        ? ['legacy', 'modern']
        : pick('--era', values.era ?? (values.inspector ? 'both' : 'same'), ERAS),
    }),
    inspector: values.inspector,
    scenario: values.scenario,
    outputFolder: values.output,
    jsonFile: values.json,
    timeoutMs,
    verbose: values.verbose,
  };
}

const ERAS = ['legacy', 'modern', 'both', 'same'] as const;

function plansOf(choice: {
  readonly revisions: readonly Revision[];
  readonly topologies: readonly Topology[];
  readonly upstreams: readonly UpstreamTransport[];
  readonly eras: readonly (typeof ERAS)[number][];
}): RunPlan[] {
  return choice.revisions.flatMap((revision) =>
    choice.eras.flatMap((era) =>
      choice.topologies.flatMap((topology) =>
        choice.upstreams.map((upstream) => ({
          revision,
          topology,
          upstream,
          era: era === 'same' ? eraOf(revision) : era,
        })),
      ),
    ),
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
