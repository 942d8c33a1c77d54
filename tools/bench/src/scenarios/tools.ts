import { startLimit } from '../limits/start-limit.js';
import { startGenerator } from '../load/generator-load.js';
import { compare, ratio, summaryOf, type Subject } from '../measure/compare.js';
import type { MeteredProcess } from '../measure/process-meter.js';
import { createResources, type Resources } from '../resources.js';
import type { RatioResult, Scenario } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import {
  ensurePostgres,
  referenceTool,
  startToolServices,
  type ReferenceTool,
  type ToolServices,
} from '../targets/tool-services.js';
import { modernCall, startNativeBridge } from './native-bridge.js';

/** How slow the weather service is. */
const WEATHER_MS = 50;
/** process_batch: a trip to its store, and the most items that go along. */
const TRIP_MS = 5;
const ITEMS_PER_TRIP = 128;
const ITEMS = [10, 50, 100, 500];
const QUICK_ITEMS = [10, 500];

/** A tool as it is called here. */
interface ToolCall {
  readonly name: string;
  readonly tool: ReferenceTool;
  readonly args: Readonly<Record<string, unknown>>;
  readonly callers: number;
  /** Stands in every right answer. */
  readonly expected: string;
  readonly warmupRequests?: number;
  /** What it waits for. */
  readonly service?: 'database' | 'weather';
}

const USER: ToolCall = {
  name: 'get_user, 64 callers',
  tool: 'get-user',
  args: { id: 7 },
  callers: 64,
  expected: 'user7@example.org',
  service: 'database',
};
const REPORT: ToolCall = {
  name: 'generate_report, 8 callers',
  tool: 'generate-report',
  args: { country: 'CH' },
  callers: 8,
  expected: '"orders":200',
  // Some hundreds a second.
  warmupRequests: 500,
  service: 'database',
};
const WEATHER: ToolCall = {
  name: `fetch_weather, ${WEATHER_MS} ms, 256 callers`,
  tool: 'fetch-weather',
  args: { city: 'Bern' },
  callers: 256,
  expected: '"celsius":7',
  service: 'weather',
};

const bareName = ({ name }: ToolCall): string => `bare handler: ${name}`;

/** An item for each caller: what comes together is stored together. */
function batchOf(items: number): ToolCall {
  return {
    name: `process_batch, ${items} items at once`,
    tool: 'process-batch',
    args: { item: 'an item' },
    callers: items,
    expected: '"stored":7',
  };
}

/** The reference tools through a bridge, against their handlers in a bare server. */
export const tools: Scenario = {
  name: 'tools',
  summary:
    'reference tools (PostgreSQL, a slow service, batches of 10 to 500) through a bridge, and their bare handlers',
  async run({ pace, progress, profileFolder, isQuick }) {
    ensurePostgres(progress);
    buildBridge(progress);
    await using resources = createResources();
    progress('starting PostgreSQL with its data set');
    const services = resources.add(await startToolServices(WEATHER_MS));
    const paths = [USER.tool, REPORT.tool, WEATHER.tool, 'process-batch' as const].map(referenceTool);
    const bridge = resources.add(await startNativeBridge({ tools: paths, env: services.env, profileFolder }));
    const bare = resources.add(await startLimit('bare-tools', paths, services.env));
    const bareProcesses = [{ name: 'server', pid: bare.service.pid }];
    const through = (call: ToolCall) => subjectOf(resources, services, call, bridge);
    const pairOf = async (call: ToolCall): Promise<Subject[]> => [
      await subjectOf(resources, services, call, {
        name: bareName(call),
        url: bare.url,
        headers: {},
        processes: bareProcesses,
      }),
      await through(call),
    ];
    const batches = (isQuick ? QUICK_ITEMS : ITEMS).map(batchOf);
    const pairs = [USER, REPORT, WEATHER];
    const subjects: Subject[] = [];
    for (const call of pairs) subjects.push(...(await pairOf(call)));
    for (const call of batches) subjects.push(await through(call));
    const comparison = await compare(subjects, pace, progress);
    const against = (call: ToolCall): RatioResult[] => [
      {
        what: `${call.name}: throughput, bridge / bare handler`,
        value: ratio(comparison, 'requestsPerSecond', call.name, bareName(call)),
      },
      {
        what: `${call.name}: CPU, bridge / bare handler`,
        value: ratio(comparison, 'cpuUsPerRequest', call.name, bareName(call)),
      },
    ];
    const filled = ({ name, callers }: ToolCall): RatioResult => ({
      what: `${name}: of the most that trips of ${TRIP_MS} ms can carry`,
      value:
        (summaryOf(comparison, name).requestsPerSecond * TRIP_MS) /
        (Math.min(callers, ITEMS_PER_TRIP) * 1000),
    });
    return { comparison, ratios: [...pairs.flatMap(against), ...batches.map(filled)], goals: [] };
  },
};

interface CallTarget {
  /** Of the subject; that of the call without. */
  readonly name?: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly processes: readonly MeteredProcess[];
}

async function subjectOf(
  resources: Resources,
  services: ToolServices,
  { name, tool, args, callers, expected, warmupRequests, service }: ToolCall,
  target: CallTarget,
): Promise<Subject> {
  const call = modernCall('tools/call', { name: `tools__${tool.replace('-', '_')}`, arguments: args });
  const { method, params } = call;
  const headers = { ...call.headers, ...target.headers };
  const load = await startGenerator({
    ...{ kind: 'http', url: target.url, connections: callers },
    ...{ method, params, headers, expected },
  });
  return {
    name: target.name ?? name,
    processes: [...target.processes, ...(service === undefined ? [] : [services[service]])],
    load: resources.add(load),
    ...(warmupRequests !== undefined && { warmupRequests }),
  };
}
