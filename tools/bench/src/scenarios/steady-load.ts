import { startGenerator } from '../load/generator-load.js';
import { startLimit } from '../limits/start-limit.js';
import {
  sampleOf,
  summarize,
  warmUp,
  type Comparison,
  type Sample,
  type Subject,
} from '../measure/compare.js';
import { median } from '../measure/statistics.js';
import type { Resources } from '../resources.js';
import type { Pace, Series } from '../scenario.js';
import type { BridgeTarget } from '../targets/bridge.js';
import { nativeCall } from './native-bridge.js';

const CONNECTIONS = 64;
const SATURATIONS = 3;

/** The native tool under the own generator; the rate is what `atShare` makes of the saturation. */
export async function nativeSubject(
  resources: Resources,
  bridge: BridgeTarget,
  connections = CONNECTIONS,
): Promise<Subject> {
  const { method, params, headers } = nativeCall();
  const load = await startGenerator({
    kind: 'http',
    url: bridge.url,
    connections,
    method,
    params,
    headers: { ...headers, ...bridge.headers },
  });
  return { name: 'bridge', processes: bridge.processes, load: resources.add(load) };
}

/** The raw server under the same load. */
export async function rawSubject(resources: Resources, connections = CONNECTIONS): Promise<Subject> {
  const raw = resources.add(await startLimit('http-json'));
  const load = await startGenerator({ kind: 'http', url: raw.url, connections, ...nativeCall() });
  return {
    name: 'raw uWS, JSON reply',
    processes: [{ name: 'server', pid: raw.service.pid }],
    load: resources.add(load),
  };
}

/** Requests per second that a closed loop gets, warmed up. */
export async function saturationOf(subject: Subject, { sampleMs, warmupMs }: Pace): Promise<number> {
  await warmUp(subject.load, warmupMs);
  const rates: number[] = [];
  for (let turn = 0; turn < SATURATIONS; turn += 1)
    rates.push((await sampleOf(subject, sampleMs)).requestsPerSecond);
  return median(rates);
}

/** One stretch of a long run. */
export interface Stretch {
  /** Its end, from the start of the run. */
  readonly atSeconds: number;
  readonly sample: Sample;
}

/** Runs one subject for long, stretch by stretch. */
export async function runSteadily(
  subject: Subject,
  durationMs: number,
  stretchMs: number,
  onStretch: (stretch: Stretch) => Promise<void> | void = () => {},
): Promise<Stretch[]> {
  const stretches: Stretch[] = [];
  const startedAt = performance.now();
  do {
    const sample = await sampleOf(subject, stretchMs);
    const stretch = { atSeconds: (performance.now() - startedAt) / 1000, sample };
    stretches.push(stretch);
    await onStretch(stretch);
  } while (performance.now() - startedAt < durationMs);
  return stretches;
}

/** The stretches as samples of one subject. */
export function comparisonOf(name: string, stretches: readonly Stretch[]): Comparison {
  const samples = stretches.map(({ sample }) => sample);
  return { subjects: [{ name, samples, summary: summarize(samples) }] };
}

/** Throughput, p99 and memory over time. */
export function seriesOf(stretches: readonly Stretch[]): Series[] {
  const series = (name: string, unit: string, figure: (sample: Sample) => number): Series => ({
    name,
    unit,
    points: stretches.map(({ atSeconds, sample }) => [atSeconds, figure(sample)] as const),
  });
  const processes = stretches[0]?.sample.processes ?? [];
  return [
    series('throughput', 'requests/s', ({ requestsPerSecond }) => requestsPerSecond),
    series('p99', 'ms', ({ latency }) => latency.p99),
    ...processes
      .map(({ name }, index) =>
        series(`memory, ${name}`, 'MiB', (sample) => sample.processes[index]?.rssMiB ?? 0),
      )
      .filter(({ points }) => points.some(([, value]) => value > 0)),
  ];
}
