import { fileURLToPath } from 'node:url';
import { judge } from '../goals.js';
import type { Load } from '../load/load.js';
import { startGenerator } from '../load/generator-load.js';
import { compare, ratio, type Comparison, type Subject } from '../measure/compare.js';
import { medianRatio } from '../measure/statistics.js';
import { createResources, type Resources } from '../resources.js';
import type { LatencySummary } from '../measure/latency.js';
import type { Scenario } from '../scenario.js';
import { buildBridge, type BridgeTarget } from '../targets/bridge.js';
import { modernCall, nativeCall, startNativeBridge, type ModernCall } from './native-bridge.js';

const file = (name: string): string => fileURLToPath(new URL(`../${name}.mjs`, import.meta.url));
const TOOLS = [
  'native-tools/process-batch',
  'native-tools/process-one-by-one',
  'native-tools/burn',
  'targets/trivial-tool',
];
const CALLERS = 64;
/** More than the pool has threads. */
const BURNERS = 8;
/** What each of their calls computes. Fifty short ones a second are a hundredth of the inline calls: p99 shows them. */
const BURN_MS = { long: 200, short: 20 };

const TOGETHER = `process_batch, ${CALLERS} callers`;
const ONE_BY_ONE = `without batching, ${CALLERS} callers`;
const LONE_TOGETHER = 'process_batch, one caller';
const LONE = 'without batching, one caller';
const IDLE = 'inline tool, pool idle';
const BESIDE = 'inline tool, pool saturated';
const BESIDE_SHORT = 'inline tool, pool saturated by short calls';

/** What coalescing gains and costs, and whether the worker pool disturbs what runs on the event loop. */
export const nativeTools: Scenario = {
  name: 'native-tools',
  summary: 'coalesced and lone calls of a bulk tool; an inline tool beside a saturated worker pool',
  async run({ pace, progress, profileFolder }) {
    buildBridge(progress);
    await using resources = createResources();
    const bridge = resources.add(await startNativeBridge({ tools: TOOLS.map(file), profileFolder }));
    const item = (tool: string): ModernCall => toolCall(tool, { item: 'an item' });
    const comparison = await compare(
      [
        await subjectOf(resources, bridge, TOGETHER, item('process_batch'), CALLERS),
        await subjectOf(resources, bridge, ONE_BY_ONE, item('process_one_by_one'), CALLERS),
        await subjectOf(resources, bridge, LONE_TOGETHER, item('process_batch'), 1),
        await subjectOf(resources, bridge, LONE, item('process_one_by_one'), 1),
        await subjectOf(resources, bridge, IDLE, nativeCall(), 1),
        await besideBurners(resources, bridge, BESIDE, BURN_MS.long),
        await besideBurners(resources, bridge, BESIDE_SHORT, BURN_MS.short),
      ],
      pace,
      progress,
    );
    const gain = ratio(comparison, 'requestsPerSecond', TOGETHER, ONE_BY_ONE);
    const lone = latencyRatio(comparison, 'p50', LONE_TOGETHER, LONE);
    const beside = latencyRatio(comparison, 'p99', BESIDE, IDLE);
    return {
      comparison,
      ratios: [
        { what: `throughput, ${TOGETHER} / ${ONE_BY_ONE}`, value: gain },
        { what: `p50, ${LONE_TOGETHER} / ${LONE}`, value: lone },
        { what: `p99, ${BESIDE} / ${IDLE}`, value: beside },
        {
          what: `p99, ${BESIDE_SHORT} / ${IDLE}`,
          value: latencyRatio(comparison, 'p99', BESIDE_SHORT, IDLE),
        },
      ],
      goals: [judge('coalescing', gain), judge('loneCall', lone), judge('besideSaturatedPool', beside)],
    };
  },
};

function toolCall(tool: string, args: Record<string, unknown>): ModernCall {
  return modernCall('tools/call', { name: `tools__${tool}`, arguments: args });
}

async function subjectOf(
  resources: Resources,
  bridge: BridgeTarget,
  name: string,
  call: ModernCall,
  connections: number,
): Promise<Subject> {
  return { name, processes: bridge.processes, load: await loadOf(resources, bridge, call, connections) };
}

async function besideBurners(
  resources: Resources,
  bridge: BridgeTarget,
  name: string,
  ms: number,
): Promise<Subject> {
  const inline = await loadOf(resources, bridge, nativeCall(), 1);
  const burners = await loadOf(resources, bridge, toolCall('burn', { ms }), BURNERS);
  return { name, processes: bridge.processes, load: both(inline, burners) };
}

async function loadOf(
  resources: Resources,
  { url, headers }: BridgeTarget,
  { method, params, headers: own }: ModernCall,
  connections: number,
): Promise<Load> {
  const spec = { kind: 'http', url, connections, method, params, headers: { ...own, ...headers } } as const;
  return resources.add(await startGenerator(spec));
}

/** The first load as it is measured, with the other one beside it. Ending them stays with their owner. */
function both(measured: Load, beside: Load): Load {
  return {
    async prepare() {
      await Promise.all([measured.prepare(), beside.prepare()]);
    },
    async run(durationMs, options) {
      const [sample] = await Promise.all([measured.run(durationMs, options), beside.run(durationMs)]);
      return sample;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Median over the rounds. */
function latencyRatio(
  { subjects }: Comparison,
  percentile: keyof LatencySummary,
  of: string,
  against: string,
): number {
  const values = (wanted: string): number[] =>
    (subjects.find(({ name }) => name === wanted)?.samples ?? []).map(({ latency }) => latency[percentile]);
  return medianRatio(values(of), values(against));
}
