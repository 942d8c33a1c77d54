import { Material } from '../corpus/material.js';
import type { Target } from '../target/target.js';
import type { TransportName } from '../transports/transport-name.js';
import { TRANSPORTS } from '../transports/transports.js';
import { startCanary, type CanaryFigures } from './canary.js';
import type { Fault, Finding } from './finding.js';
import type { FuzzJob } from './fuzz-job.js';
import { type MemoryBounds, type MemoryFigures, memoryFault, watchMemory } from './memory.js';
import { Tally } from './tally.js';

export interface CampaignOptions {
  readonly target: Target;
  readonly transport: TransportName;
  readonly seed: number;
  /** The first step, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Steps of another seed that are made before anything is measured. */
  readonly warmUp: number;
  /** Rest before memory is measured at the end: what is kept for a time must be gone. */
  readonly restMs: number;
  readonly memory: MemoryBounds;
  readonly onProgress?: (tally: Tally) => void;
}

/** What came of a run. */
export interface CampaignReport {
  readonly transport: TransportName;
  readonly seed: number;
  readonly tally: Tally;
  readonly seconds: number;
  readonly canary: CanaryFigures;
  readonly memory: MemoryFigures | undefined;
  /** Empty when the bridge did everything right. */
  readonly findings: readonly Finding[];
  /** Messages that the bridge logged at level error, with how often. */
  readonly logged: ReadonlyMap<string, number>;
}

/** A run with this many findings ends early. */
const MAX_FINDINGS = 10;
const PROGRESS_MS = 5_000;

/** Fuzzes one transport of a target. Never throws for what the bridge does wrong: that is a finding. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { target, transport, seed, from, to } = options;
  const findings: Finding[] = [];
  const reportOf =
    (ofSeed: number) =>
    (fault: Fault): void => {
      if (findings.length < MAX_FINDINGS) findings.push({ ...fault, transport, seed: ofSeed });
    };
  const report = reportOf(seed);
  let exited = false;
  const gone = target.exited.then(() => {
    exited = true;
  });

  const work = async (job: FuzzJob): Promise<void> => {
    // A bridge that is gone answers nothing: there is no point in waiting for the rest.
    await Promise.race([TRANSPORTS[transport](job), gone]);
    await Promise.all(ends.splice(0));
  };
  const ends: Promise<void>[] = [];
  const stopped = (): boolean => exited || findings.length >= MAX_FINDINGS;
  const jobOf = (jobSeed: number, first: number, end: number, tally: Tally): FuzzJob => {
    let step = first;
    const takeBlock = (size: number): { readonly from: number; readonly to: number } | undefined => {
      if (step >= end || stopped()) return undefined;
      const from = step;
      step = Math.min((Math.floor(from / size) + 1) * size, end);
      return { from, to: step };
    };
    const nextStep = (): number | undefined => takeBlock(1)?.from;
    return {
      seed: jobSeed,
      target,
      tally,
      material: new Material(),
      nextStep,
      takeBlock,
      get stopped() {
        return stopped();
      },
      fault: reportOf(jobSeed),
      waitFor: (end) => ends.push(end),
    };
  };
  if (options.warmUp > 0) await work(jobOf(seed + 1, 0, options.warmUp, new Tally()));

  const canary = await startCanary(target);
  const memory = exited ? undefined : await watchMemory(target);
  const tally = new Tally();
  const startedAt = performance.now();
  const progress = setInterval(() => options.onProgress?.(tally), PROGRESS_MS);
  await work(jobOf(seed, from, to, tally));
  clearInterval(progress);
  const seconds = (performance.now() - startedAt) / 1000;

  const step = from + tally.done;
  const sung = await canary.stop();
  for (const failure of sung.failures) report({ step, why: `the canary failed: ${failure}`, what: 'canary' });
  const used = exited ? undefined : await memory?.stop(options.restMs);
  const leak = used && memoryFault(used, options.memory);
  if (leak !== undefined) report({ step, why: leak, what: 'memory' });
  for (const line of target.log.takeAlarms())
    report({ step, why: `the bridge logged: ${line}`, what: 'log' });
  if (exited)
    report({ step, why: `the bridge exited; its last words: ${target.output.slice(-2_000)}`, what: 'exit' });
  return { transport, seed, tally, seconds, canary: sung, memory: used, findings, logged: target.log.errors };
}
