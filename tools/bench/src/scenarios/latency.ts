import { startEchoHttp } from '@mcp-bridge/testkit';
import { judge } from '../goals.js';
import { startGenerator } from '../load/generator-load.js';
import type { LoadSpec } from '../load/drivers.js';
import { compare, summaryOf, type Comparison, type Subject } from '../measure/compare.js';
import { median } from '../measure/statistics.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { modernCall, startNativeBridge } from './native-bridge.js';
import { saturationOf } from './steady-load.js';

const CONNECTIONS = 64;
const DIRECT = 'direct';
const BRIDGE = 'bridge';

/** What the bridge adds to response times when it is not full. */
export const latency: Scenario = {
  name: 'latency',
  summary: 'tools/call to an HTTP server at half of what saturates the bridge, directly and through it (P8)',
  async run({ pace, progress, profileFolder }) {
    buildBridge(progress);
    await using resources = createResources();
    const echo = resources.add(await startEchoHttp());
    const bridge = resources.add(await startNativeBridge({ upstream: { url: echo.url }, profileFolder }));
    const call = (name: string) => modernCall('tools/call', { name, arguments: { text: 'hello' } });
    const spec = (url: string, name: string, headers = {}): LoadSpec => {
      const { headers: own, method, params } = call(name);
      return { kind: 'http', url, connections: CONNECTIONS, method, params, headers: { ...own, ...headers } };
    };
    const upstream = { name: 'upstream server', pid: echo.service.pid, counted: false };
    const direct: Subject = {
      name: DIRECT,
      processes: [upstream],
      load: resources.add(await startGenerator(spec(echo.url, 'echo'))),
    };
    const through: Subject = {
      name: BRIDGE,
      processes: [...bridge.processes.map(({ name, pid }) => ({ name, pid })), upstream],
      load: resources.add(await startGenerator(spec(bridge.url, bridge.echoTool, bridge.headers))),
    };
    const full = await saturationOf(through, pace);
    const ratePerSecond = Math.round(full / 2);
    progress(`saturated at ${Math.round(full)}/s; both get ${ratePerSecond}/s`);
    const subjects = [direct, through].map((subject) => ({ ...subject, ratePerSecond }));
    const comparison = await compare(subjects, pace, progress);
    const added = addedBy(comparison);
    const rawTail = summaryOf(comparison, DIRECT).latency.p99;
    return {
      comparison,
      ratios: [
        { what: 'rate, of both', value: ratePerSecond, unit: 'requests/s' },
        { what: 'added p50', value: added.p50, unit: 'ms' },
        { what: 'added p99', value: added.p99, unit: 'ms' },
        { what: 'added p99.9', value: added.p999, unit: 'ms' },
        { what: 'lag of the generator, p99', value: lagOf(comparison, BRIDGE), unit: 'ms' },
        { what: 'requests without a free connection', value: unsentOf(comparison) },
      ],
      goals: [judge('addedMedian', added.p50), judge('addedTail', added.p99 / (2 * rawTail + 1))],
    };
  },
};

function addedBy(comparison: Comparison): { p50: number; p99: number; p999: number } {
  const of = (name: string, figure: 'p50' | 'p99' | 'p999'): number[] =>
    samplesOf(comparison, name).map(({ latency: each }) => each[figure]);
  const added = (figure: 'p50' | 'p99' | 'p999'): number => {
    const direct = of(DIRECT, figure);
    return median(of(BRIDGE, figure).map((ms, round) => ms - (direct[round] ?? Number.NaN)));
  };
  return { p50: added('p50'), p99: added('p99'), p999: added('p999') };
}

function samplesOf({ subjects }: Comparison, wanted: string) {
  return subjects.find(({ name }) => name === wanted)?.samples ?? [];
}

function lagOf(comparison: Comparison, name: string): number {
  return median(samplesOf(comparison, name).map(({ generatorLagMs = Number.NaN }) => generatorLagMs));
}

function unsentOf({ subjects }: Comparison): number {
  return subjects.flatMap(({ samples }) => samples).reduce((sum, { unsent = 0 }) => sum + unsent, 0);
}
