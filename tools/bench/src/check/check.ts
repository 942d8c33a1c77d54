import {
  sampleOf,
  summarize,
  warmUp,
  type Comparison,
  type Sample,
  type Subject,
} from '../measure/compare.js';
import type { Environment } from '../report/environment.js';
import { textTable } from '../report/text-table.js';
import { createResources } from '../resources.js';
import type { Pace } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { loadBaseline, saveBaseline } from './baseline.js';
import {
  PATHS,
  ratiosOf,
  referenceName,
  requestPathPairs,
  type Pair,
  type PairSample,
  type Path,
  type PathSamples,
  type RequestPathOptions,
} from './request-path.js';
import {
  ALLOWED_LOSS,
  figureOf,
  isOpen,
  judgeFigures,
  missingFigures,
  type Figures,
  type Verdict,
} from './verdict.js';

export interface CheckOptions extends RequestPathOptions {
  readonly pace: Pace;
  readonly progress: (line: string) => void;
  readonly baselineFile: string;
  /** Records the figures as the new baseline instead of judging them. */
  readonly update: boolean;
  readonly environment: Environment;
}

export interface CheckResult {
  readonly passed: boolean;
  readonly figures: Figures;
  readonly comparison: Comparison;
  readonly text: string;
}

/** The compiler is done with a path after so many requests. */
const WARMUP_REQUESTS = 40_000;
/**
 * Then everything is started anew: what the compiler makes of a path in one process differs by several per cent from
 * what it makes of it in another, however long both are measured.
 */
const ROUNDS_PER_START = 24;
/** Starts are added until every verdict is clear, up to this share of those asked for. */
const MOST_STARTS = 1.25;
const SHOWN_ROUNDS = 10;

/**
 * The regression check: what a request costs the gateway and the router in CPU time, against what one costs a raw
 * server right before or after. CPU ratios stay within some per cent where throughput on a shared machine halves, and
 * where the machine itself is slower or faster by a third for some seconds.
 */
export async function runCheck(options: CheckOptions): Promise<CheckResult> {
  const { pace, progress, update } = options;
  const baseline = await baselineOf(options);
  buildBridge(progress);
  const samples = new Map<Path, PairSample[]>(PATHS.map((path) => [path, []]));
  const starts = Math.ceil(pace.rounds / ROUNDS_PER_START);
  const rounds = Math.ceil(pace.rounds / starts);
  let figures: Figures = {};
  let verdicts: Verdict[] = [];
  for (let start = 1; start <= Math.ceil(starts * MOST_STARTS); start += 1) {
    await sampleStart(samples, rounds, options, (line) => progress(`start ${start} of ${starts} · ${line}`));
    figures = figuresOf(samples, options);
    verdicts = judgeFigures(figures, baseline ?? unchanged(figures));
    if (start >= starts && !verdicts.some(isOpen)) break;
  }
  const comparison = comparisonOf(samples, options);
  if (update) {
    await saveBaseline(options.baselineFile, figures, options.environment);
    return {
      passed: true,
      figures,
      comparison,
      text: `${tableOf(verdicts)}\n\nRecorded as ${options.baselineFile}.`,
    };
  }
  const missing = missingFigures(figures, baseline ?? {});
  const losses = verdicts.filter(({ kind }) => kind === 'loss');
  const passed = missing.length === 0 && losses.length === 0;
  return {
    passed,
    figures,
    comparison,
    text: `${tableOf(verdicts)}\n\n${conclusion(verdicts, losses, missing)}`,
  };
}

/** Starts the servers, warms them up, and adds some rounds of every path. */
async function sampleStart(
  samples: ReadonlyMap<Path, PairSample[]>,
  rounds: number,
  options: CheckOptions,
  progress: (line: string) => void,
): Promise<void> {
  const { pace } = options;
  await using resources = createResources();
  const pairs = await requestPathPairs(resources, options);
  for (const { name, load } of new Set(pairs.flatMap(({ reference, subject }) => [reference, subject]))) {
    progress(`warm-up · ${name}`);
    await warmUp(load, pace.warmupMs, WARMUP_REQUESTS);
  }
  for (let round = 1; round <= rounds; round += 1) {
    // The order changes from round to round: what drifts meanwhile favours each as often as the other.
    for (const pair of pairs)
      samples.get(pair.path)?.push(await samplePair(pair, pace.sampleMs, round % 2 === 0));
    if (round % SHOWN_ROUNDS === 0) progress(`round ${round} of ${rounds}`);
  }
}

async function samplePair(
  { subject, reference }: Pair,
  sampleMs: number,
  subjectFirst: boolean,
): Promise<PairSample> {
  const first = await cleanSample(subjectFirst ? subject : reference, sampleMs);
  const second = await cleanSample(subjectFirst ? reference : subject, sampleMs);
  return subjectFirst ? { subject: first, reference: second } : { subject: second, reference: first };
}

/** @throws {Error} where an answer was wrong or missing */
async function cleanSample(subject: Subject, sampleMs: number): Promise<Sample> {
  const sample = await sampleOf(subject, sampleMs);
  if (sample.errors > 0) throw new Error(`${subject.name}: ${sample.errors} wrong or missing answers`);
  return sample;
}

/** All samples of each subject; a raw server is held against several paths. */
function comparisonOf(samples: PathSamples, options: RequestPathOptions): Comparison {
  const all = new Map<string, Sample[]>();
  const add = (name: string, own: readonly Sample[]): unknown =>
    all.set(name, [...(all.get(name) ?? []), ...own]);
  for (const [path, rounds] of samples) {
    add(
      referenceName(path, options),
      rounds.map(({ reference }) => reference),
    );
    add(
      path.name,
      rounds.map(({ subject }) => subject),
    );
  }
  return { subjects: [...all].map(([name, own]) => ({ name, samples: own, summary: summarize(own) })) };
}

/** The baseline of what is measured beside the other checkout. */
function unchanged(figures: Figures): Record<string, number> {
  return Object.fromEntries(Object.keys(figures).map((what) => [what, 1]));
}

/** Undefined where another checkout is measured beside: then everything is held against 1. */
async function baselineOf({
  update,
  against,
  baselineFile,
  environment,
  progress,
}: CheckOptions): Promise<Readonly<Record<string, number>> | undefined> {
  if (update && against !== undefined) throw new Error('--update records a baseline: leave --against out.');
  if (against !== undefined) return undefined;
  if (update) return {};
  const { figures, cpu, node } = await loadBaseline(baselineFile);
  const major = (version: string): string | undefined => version.split('.')[0];
  if (cpu !== environment.cpu || major(node) !== major(environment.node))
    progress(
      `NOTE: the baseline is of ${cpu}, Node ${node}; ratios differ a little between machines. Use --against, or a baseline of this one.`,
    );
  return figures;
}

function figuresOf(samples: PathSamples, options: RequestPathOptions): Figures {
  return Object.fromEntries(
    [...ratiosOf(samples, options)].map(([what, ratios]) => [what, figureOf(ratios)]),
  );
}

function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ what, now, before, change, kind }) => [
    what,
    before?.toFixed(3) ?? '–',
    now.value.toFixed(3),
    `${now.low.toFixed(3)}–${now.high.toFixed(3)}`,
    Number.isNaN(change) ? '–' : `${change > 0 ? '+' : ''}${(change * 100).toFixed(1)} %`,
    kind,
  ]);
  return textTable([['', 'baseline', 'now', '95 % interval', 'change', ''], ...rows]);
}

function conclusion(
  verdicts: readonly Verdict[],
  losses: readonly Verdict[],
  missing: readonly string[],
): string {
  const lines = [
    ...missing.map((what) => `NOT MEASURED: ${what}; the baseline has it.`),
    ...losses.map(({ what, change }) =>
      Number.isNaN(change)
        ? `NOT MEASURED: ${what} came out as no number.`
        : `LOSS of ${(change * 100).toFixed(0)} %: ${what}`,
    ),
  ];
  if (lines.length > 0)
    return `${lines.join('\n')}\nIf the loss is meant, say why in the commit that records it: npm run bench -- check --update`;
  const gained = verdicts.some(({ kind }) => kind === 'gain');
  return `No loss beyond ${ALLOWED_LOSS * 100} %.${gained ? ' There are gains: record them with --update, or they can be lost again unseen.' : ''}`;
}
