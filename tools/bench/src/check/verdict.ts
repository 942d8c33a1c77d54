import { median, medianInterval } from '../measure/statistics.js';

/** A ratio against a raw limit of the same round, with where its median lies. */
export interface Figure {
  readonly value: number;
  /** Ends of the interval that holds the median with 95 % confidence. */
  readonly low: number;
  readonly high: number;
}

/** By what is measured. Lower is better in all of them: they are CPU time against CPU time. */
export type Figures = Readonly<Record<string, Figure>>;

export interface Verdict {
  readonly what: string;
  readonly now: Figure;
  /** `undefined` when the baseline does not know it. */
  readonly before: number | undefined;
  /** 0.2 is a fifth slower. */
  readonly change: number;
  readonly kind: 'same' | 'loss' | 'gain' | 'new';
}

/** A loss up to this is let pass. */
export const ALLOWED_LOSS = 0.1;
/** What the baseline itself may be off: a loss whose interval reaches down to this is not sure enough. */
const SURE_LOSS = 0.05;

/** The figure of some rounds. */
export function figureOf(ratios: readonly number[]): Figure {
  return { value: median(ratios), ...medianInterval(ratios) };
}

/**
 * Holds figures against a baseline. A loss is real when the median is beyond what is allowed and nearly all of
 * what the rounds leave open is too, so that a machine that was busy for a few rounds fails nobody.
 */
export function judgeFigures(now: Figures, baseline: Readonly<Record<string, number>>): Verdict[] {
  return Object.entries(now).map(([what, figure]) => {
    const before = baseline[what];
    const change = before === undefined ? Number.NaN : figure.value / before - 1;
    return { what, now: figure, before, change, kind: kindOf(figure, before, change) };
  });
}

/** What the baseline has and the run has not: a check that quietly measures less is no check. */
export function missingFigures(now: Figures, baseline: Readonly<Record<string, number>>): string[] {
  return Object.keys(baseline).filter((what) => now[what] === undefined);
}

/** True while more rounds could change a verdict: the interval holds the border between the two. */
export function isOpen({ now, before }: Verdict): boolean {
  if (before === undefined) return false;
  const border = before * (1 + ALLOWED_LOSS);
  return now.low < border && border < now.high;
}

function kindOf(figure: Figure, before: number | undefined, change: number): Verdict['kind'] {
  if (before === undefined) return 'new';
  // A figure that is no number is no proof that all is well.
  if (Number.isNaN(change)) return 'loss';
  if (change > ALLOWED_LOSS && figure.low > before * (1 + SURE_LOSS)) return 'loss';
  if (change < -ALLOWED_LOSS && figure.high < before * (1 - SURE_LOSS)) return 'gain';
  return 'same';
}
