import type { Material } from '../corpus/material.js';
import type { Target } from '../target/target.js';
import type { Fault } from './finding.js';
import type { Tally } from './tally.js';

/** The slack beyond the bridge's own deadline: the machine may be busy, the bridge may not. */
export const ANSWER_SLACK_MS = 10_000;

/** What a transport works on: a number of steps, against one target. */
export interface FuzzJob {
  readonly seed: number;
  readonly target: Target;
  readonly tally: Tally;
  readonly material: Material;
  /** The next step to make; undefined when there are no more. */
  nextStep(): number | undefined;
  /** The next steps to make, up to a multiple of `size`. */
  takeBlock(size: number): { readonly from: number; readonly to: number } | undefined;
  /** Enough was found, or the bridge is gone. */
  readonly stopped: boolean;
  fault(fault: Fault): void;
  /** The job is over only when this is. */
  waitFor(end: Promise<void>): void;
}

/** Makes every step of the job; resolves when all of them ended and nothing is open any more. */
export type FuzzTransport = (job: FuzzJob) => Promise<void>;
