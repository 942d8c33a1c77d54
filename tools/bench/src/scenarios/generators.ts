import { startGenerator } from '../load/generator-load.js';
import { ensureH2load, startH2load } from '../load/h2load.js';
import type { Load } from '../load/load.js';
import { ensureWrk, startWrkLoad, type WrkLoadOptions } from '../load/wrk.js';
import { knownQuantile } from '../limits/known-times.js';
import { startLimit, type LimitServer } from '../limits/start-limit.js';
import { judge } from '../goals.js';
import { compare, ratio, summaryOf, type Comparison, type Subject } from '../measure/compare.js';
import { createResources, type Resources } from '../resources.js';
import type { RatioResult, Scenario } from '../scenario.js';

const CONNECTIONS = 64;
/** Slow enough that no generator is the limit, on one core of two. */
const PACED_US = '100';
const HALF_RATE = 4000;
const PERCENTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
const CALL = { method: 'tools/call', params: { name: 'echo', arguments: { text: 'hello' } } };

const SERVERS = { paced: 'paced server', timed: 'known times', fast: 'fast server' } as const;
const GENERATORS = ['wrk', 'h2load', 'own generator'] as const;
type Server = keyof typeof SERVERS;
type Generator = (typeof GENERATORS)[number];

const nameOf = (server: Server, generator: Generator): string => `${SERVERS[server]}, ${generator}`;
const PACED_RATE = `paced server, own generator at ${HALF_RATE}/s`;
const TIMED_OWN = nameOf('timed', 'own generator');

/**
 * Whether the generators can be believed: the own one against wrk and h2load, on a server of known pace, on one of
 * known response times, and on one that is too fast for it, where it has to say so.
 *
 * No answer of the server of known times takes longer than twice the mean: from there on wrk 4.1 adds answers that it
 * supposes to have been omitted, and its percentiles are no longer those of what it saw.
 */
export const generators: Scenario = {
  name: 'generators',
  summary:
    'the own load generator against wrk and h2load, on raw servers of known pace and known response times',
  async run({ pace, progress }) {
    ensureWrk(progress);
    ensureH2load(progress);
    await using resources = createResources();
    const comparison = await compare(await subjectsOf(resources), pace, progress);
    const throughput = (server: Server, against: Generator): RatioResult => ({
      what: `throughput, own generator / ${against}, ${SERVERS[server]}`,
      value: ratio(comparison, 'requestsPerSecond', nameOf(server, 'own generator'), nameOf(server, against)),
    });
    const rates = (['paced', 'timed'] as const).flatMap((server) => [
      throughput(server, 'wrk'),
      throughput(server, 'h2load'),
    ]);
    const apart = [
      ...percentilesApart(comparison, 'wrk'),
      ...percentilesApart(comparison, 'h2load'),
      ...percentilesOff(comparison),
    ];
    const fast = summaryOf(comparison, nameOf('fast', 'own generator'));
    return {
      comparison,
      ratios: [
        ...rates,
        ...apart,
        throughput('fast', 'wrk'),
        throughput('fast', 'h2load'),
        {
          what: 'fast server: share of its limit that the own generator reports',
          value: fast.generatorUse,
        },
        {
          what: `kept of ${HALF_RATE}/s by the constant rate`,
          value: summaryOf(comparison, PACED_RATE).requestsPerSecond / HALF_RATE,
        },
      ],
      goals: [
        judge('generatorThroughput', farthest(rates)),
        judge('generatorPercentiles', farthest(apart)),
        judge('generatorSaturation', fast.generatorUse),
      ],
    };
  },
};

async function subjectsOf(resources: Resources): Promise<Subject[]> {
  const subjects: Subject[] = [];
  const files: Record<Server, readonly [LimitServer, readonly string[]]> = {
    paced: ['http-paced', [PACED_US]],
    timed: ['http-timed', []],
    fast: ['http-json', []],
  };
  // Its keys are those of its type.
  for (const server of Object.keys(SERVERS) as Server[]) {
    const { url, service } = resources.add(await startLimit(...files[server]));
    const processes = [{ name: 'server', pid: service.pid }];
    const loadOf = async (generator: Generator): Promise<Load> =>
      resources.add(await startLoad(generator, url));
    for (const generator of GENERATORS)
      subjects.push({ name: nameOf(server, generator), processes, load: await loadOf(generator) });
    if (server === 'paced')
      subjects.push({
        ...{ name: PACED_RATE, processes, ratePerSecond: HALF_RATE },
        load: await loadOf('own generator'),
      });
  }
  return subjects;
}

function startLoad(generator: Generator, url: string): Promise<Load> {
  if (generator === 'own generator')
    return startGenerator({ kind: 'http', url, connections: CONNECTIONS, ...CALL });
  const options: WrkLoadOptions = {
    url,
    connections: CONNECTIONS,
    request: {
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...CALL }),
    },
  };
  return generator === 'wrk' ? startWrkLoad(options) : startH2load(options);
}

function percentilesApart(comparison: Comparison, generator: Generator): RatioResult[] {
  const of = summaryOf(comparison, TIMED_OWN).latency;
  const against = summaryOf(comparison, nameOf('timed', generator)).latency;
  return percentileNames().map((name) => ({
    what: `${name}, own generator / ${generator}, known times`,
    value: of[name] / against[name],
  }));
}

function percentilesOff(comparison: Comparison): RatioResult[] {
  const of = summaryOf(comparison, TIMED_OWN).latency;
  return percentileNames().map((name) => ({
    what: `${name}, own generator / what the server took, known times`,
    value: of[name] / knownQuantile(PERCENTILES[name]),
  }));
}

function percentileNames(): (keyof typeof PERCENTILES)[] {
  // Its keys are those of its type.
  return Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[];
}

/** The largest distance of a ratio from 1. */
function farthest(ratios: readonly RatioResult[]): number {
  return Math.max(...ratios.map(({ value }) => Math.abs(value - 1)));
}
