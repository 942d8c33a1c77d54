import { generatorUse, isSaturated, type Load, type LoadSample, type RunOptions } from '../load/load.js';
import type { Pace } from '../scenario.js';
import type { LatencySummary } from './latency.js';
import { startProcessMeter, type MeteredProcess, type ProcessUse } from './process-meter.js';
import { median, medianRatio, spread } from './statistics.js';

const MIN_WARMUP_REQUESTS = 5000;
const MAX_WARMUPS = 10;

/** One of the things that a scenario compares. */
export interface Subject {
  readonly name: string;
  /** Processes whose CPU time is the subject's cost. */
  readonly processes: readonly MeteredProcess[];
  readonly load: Load;
  /** Requests at this rate instead of a closed loop. */
  readonly ratePerSecond?: number;
  /** Answers after which it is warm, where the usual number would take it too long. */
  readonly warmupRequests?: number;
}

/** One run against one subject. */
export interface Sample extends LoadSample {
  readonly processes: readonly ProcessUse[];
  /** All counted processes together. */
  readonly cpuUsPerRequest: number;
  /** The generator was at its own limit: the server may be faster than this. */
  readonly isGeneratorSaturated: boolean;
}

export interface SubjectResult {
  readonly name: string;
  /** In the order of the rounds. */
  readonly samples: readonly Sample[];
  /** Medians over the samples. */
  readonly summary: SubjectSummary;
}

export interface SubjectSummary {
  readonly requestsPerSecond: number;
  /** Largest distance of a sample's throughput from the median, relative to it. */
  readonly spread: number;
  readonly cpuUsPerRequest: number;
  readonly latency: LatencySummary;
  readonly processes: readonly ProcessSummary[];
  /** Over all samples. */
  readonly errors: number;
  /** Share of its own limit that the load generator reached. */
  readonly generatorUse: number;
  /** In most samples. */
  readonly isGeneratorSaturated: boolean;
}

export interface ProcessSummary {
  readonly name: string;
  readonly counted: boolean;
  readonly cpuUsPerRequest: number;
  readonly rssMiB: number;
}

export type Metric = 'requestsPerSecond' | 'cpuUsPerRequest';

/** Subjects that were measured in turn. */
export interface Comparison {
  readonly subjects: readonly SubjectResult[];
}

/** Ends a scenario of which only some subjects were wanted: it has nothing to compare them with. */
export class OnlyMeasured extends Error {
  readonly comparison: Comparison;

  constructor(comparison: Comparison) {
    super('only some subjects were measured');
    this.comparison = comparison;
  }
}

/**
 * Measures subjects in turn, A B C A B C …, so that what else the machine does falls on all of them alike. Each
 * is warmed up first. All of them stay up all the time; only one has load.
 *
 * @throws {OnlyMeasured} where `pace.only` picks some of them
 */
export async function compare(
  all: readonly Subject[],
  pace: Pace,
  progress: (line: string) => void,
): Promise<Comparison> {
  const { only } = pace;
  const subjects = only === undefined ? all : all.filter(({ name }) => name.includes(only));
  for (const { name, load, warmupRequests } of subjects) {
    progress(`warm-up · ${name}`);
    await warmUp(load, pace.warmupMs, warmupRequests);
  }
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 1; round <= pace.rounds; round += 1) {
    for (const subject of subjects) {
      const sample = await sampleOf(subject, pace.sampleMs);
      samples.get(subject.name)?.push(sample);
      progress(`round ${round}/${pace.rounds} · ${subject.name} · ${sampleLine(sample)}`);
    }
  }
  const comparison = {
    subjects: subjects.map(({ name }) => {
      const own = samples.get(name) ?? [];
      return { name, samples: own, summary: summarize(own) };
    }),
  };
  if (only !== undefined && subjects.length > 0) throw new OnlyMeasured(comparison);
  return comparison;
}

/** The medians of one subject. */
export function summaryOf({ subjects }: Comparison, wanted: string): SubjectSummary {
  const subject = subjects.find(({ name }) => name === wanted);
  if (subject === undefined) throw new Error(`nothing named "${wanted}" was measured`);
  return subject.summary;
}

/** Comparisons that could not stand side by side (too many connections at once) as one table. */
export function joinComparisons(comparisons: readonly Comparison[]): Comparison {
  return { subjects: comparisons.flatMap(({ subjects }) => subjects) };
}

/** Median over the rounds of subject `of` against subject `against`. */
export function ratio({ subjects }: Comparison, metric: Metric, of: string, against: string): number {
  const values = (wanted: string): number[] => {
    const subject = subjects.find(({ name }) => name === wanted);
    if (subject === undefined) throw new Error(`nothing named "${wanted}" was measured`);
    return subject.samples.map((sample) => sample[metric]);
  };
  return medianRatio(values(of), values(against));
}

/** A slow server, or one on a busy machine, gets longer: what is not compiled yet is not what it costs. */
export async function warmUp(
  load: Load,
  durationMs: number,
  minRequests = MIN_WARMUP_REQUESTS,
): Promise<void> {
  await load.prepare();
  let requests = 0;
  for (let turn = 0; turn < MAX_WARMUPS && requests < minRequests; turn += 1)
    requests += (await load.run(durationMs)).requests;
}

/** One run against one subject, with the use of its processes. */
export async function sampleOf(
  { processes, load, ratePerSecond }: Subject,
  durationMs: number,
  options: RunOptions = {},
): Promise<Sample> {
  await load.prepare();
  const meter = startProcessMeter(processes);
  const rate = ratePerSecond === undefined ? {} : { ratePerSecond };
  const sample = await load.run(durationMs, { ...rate, ...options });
  const use = meter.read();
  const cpuMs = use.reduce((sum, each) => sum + (each.counted ? each.cpuMs : 0), 0);
  return {
    ...sample,
    processes: use,
    cpuUsPerRequest: (cpuMs * 1000) / sample.requests,
    // Where a client is measured, the generator is what should be busy.
    isGeneratorSaturated: isSaturated(sample) && !processes.some(({ pid }) => pid === load.pid),
  };
}

/** Medians of each figure by itself. */
export function summarize(samples: readonly Sample[]): SubjectSummary {
  const medianOf = (figure: (sample: Sample) => number): number => median(samples.map(figure));
  const rates = samples.map((sample) => sample.requestsPerSecond);
  return {
    requestsPerSecond: median(rates),
    spread: spread(rates),
    cpuUsPerRequest: medianOf((sample) => sample.cpuUsPerRequest),
    latency: {
      p50: medianOf(({ latency }) => latency.p50),
      p95: medianOf(({ latency }) => latency.p95),
      p99: medianOf(({ latency }) => latency.p99),
      p999: medianOf(({ latency }) => latency.p999),
      max: medianOf(({ latency }) => latency.max),
    },
    processes: (samples[0]?.processes ?? []).map(({ name, counted }, index) => ({
      name,
      counted,
      cpuUsPerRequest: medianOf(
        ({ processes, requests }) => ((processes[index]?.cpuMs ?? 0) * 1000) / requests,
      ),
      rssMiB: medianOf(({ processes }) => processes[index]?.rssMiB ?? 0),
    })),
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
    generatorUse: medianOf(generatorUse),
    isGeneratorSaturated: samples.filter((sample) => sample.isGeneratorSaturated).length * 2 > samples.length,
  };
}

function sampleLine(sample: Sample): string {
  const errors = sample.errors === 0 ? '' : ` · ${sample.errors} ERRORS`;
  const rate = Math.round(sample.requestsPerSecond).toLocaleString('en');
  return `${rate} req/s · ${sample.cpuUsPerRequest.toFixed(1)} CPU-µs/req · p99 ${sample.latency.p99.toFixed(2)} ms${errors}`;
}
