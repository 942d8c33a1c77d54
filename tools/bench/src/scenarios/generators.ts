import { startGenerator } from '../load/generator-load.js';
import { ensureWrk, startWrkLoad } from '../load/wrk.js';
import { startLimit, type LimitServer } from '../limits/start-limit.js';
import { judge } from '../goals.js';
import { compare, ratio, summaryOf, type Comparison, type Subject } from '../measure/compare.js';
import { createResources, type Resources } from '../resources.js';
import type { RatioResult, Scenario } from '../scenario.js';

const CONNECTIONS = 64;
/** Slow enough that no generator is the limit, on one core of two. */
const PACED_US = '100';
const HALF_RATE = 4000;
const PERCENTILES = ['p50', 'p95', 'p99'] as const;
const CALL = { method: 'tools/call', params: { name: 'echo', arguments: { text: 'hello' } } };

const PACED_WRK = 'paced server, wrk';
const PACED_OWN = 'paced server, own generator';
const PACED_RATE = `paced server, own generator at ${HALF_RATE}/s`;
const FAST_WRK = 'fast server, wrk';
const FAST_OWN = 'fast server, own generator';

/** Whether the generators can be believed: the own one against wrk, on a server whose pace is known. */
export const generators: Scenario = {
  name: 'generators',
  summary:
    'the own load generator against wrk, on a raw server of known pace and on one that is too fast for it',
  async run({ pace, progress }) {
    ensureWrk(progress);
    await using resources = createResources();
    const comparison = await compare(await subjectsOf(resources), pace, progress);
    const throughput = ratio(comparison, 'requestsPerSecond', PACED_OWN, PACED_WRK);
    const apart = percentilesApart(comparison);
    return {
      comparison,
      ratios: [
        { what: 'throughput, own generator / wrk, paced server', value: throughput },
        ...apart,
        {
          what: 'fast server: share of its limit that the own generator reports',
          value: summaryOf(comparison, FAST_OWN).generatorUse,
        },
        {
          what: `kept of ${HALF_RATE}/s by the constant rate`,
          value: summaryOf(comparison, PACED_RATE).requestsPerSecond / HALF_RATE,
        },
      ],
      goals: [
        judge('generatorThroughput', Math.abs(throughput - 1)),
        judge('generatorPercentiles', Math.max(...apart.map(({ value }) => Math.abs(value - 1)))),
      ],
    };
  },
};

async function subjectsOf(resources: Resources): Promise<Subject[]> {
  const serverOf = async (server: LimitServer, args: readonly string[] = []) => {
    const limit = resources.add(await startLimit(server, args));
    return { url: limit.url, processes: [{ name: 'server', pid: limit.service.pid }] };
  };
  const paced = await serverOf('http-paced', [PACED_US]);
  const fast = await serverOf('http-json');
  const wrk = async (url: string) =>
    resources.add(
      await startWrkLoad({
        url,
        connections: CONNECTIONS,
        request: {
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...CALL }),
        },
      }),
    );
  const own = async (url: string) =>
    resources.add(await startGenerator({ kind: 'http', url, connections: CONNECTIONS, ...CALL }));
  return [
    { name: PACED_WRK, processes: paced.processes, load: await wrk(paced.url) },
    { name: PACED_OWN, processes: paced.processes, load: await own(paced.url) },
    { name: PACED_RATE, processes: paced.processes, load: await own(paced.url), ratePerSecond: HALF_RATE },
    { name: FAST_WRK, processes: fast.processes, load: await wrk(fast.url) },
    { name: FAST_OWN, processes: fast.processes, load: await own(fast.url) },
  ];
}

function percentilesApart(comparison: Comparison): RatioResult[] {
  const of = summaryOf(comparison, PACED_OWN).latency;
  const against = summaryOf(comparison, PACED_WRK).latency;
  return PERCENTILES.map((name) => ({
    what: `${name}, own generator / wrk, paced server`,
    value: of[name] / against[name],
  }));
}
