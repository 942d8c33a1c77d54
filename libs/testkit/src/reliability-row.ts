import type { TestContext } from 'vitest';

/** One figure of a row of the reliability table. */
export interface RowFigure {
  /** Such as "respawned after". */
  readonly what: string;
  readonly measured: number;
  /** The most that the figure may be. */
  readonly allowed: number;
  /** Such as "ms". */
  readonly unit: string;
}

declare module 'vitest' {
  interface TaskMeta {
    /** Read by `npm run reliability`. */
    reliability?: readonly RowFigure[];
  }
}

/**
 * Ends the test of a row of the reliability table, whose name is `row N: <fault>`: hands the figures to
 * `npm run reliability`, and fails unless each is at most what is allowed.
 *
 * @throws {Error} that names the figures that are not held
 */
export function holdRow({ task }: TestContext, figures: readonly RowFigure[]): void {
  task.meta.reliability = [...(task.meta.reliability ?? []), ...figures];
  const missed = figures.filter(({ measured, allowed }) => !(measured <= allowed));
  if (missed.length === 0) return;
  const said = missed.map(
    ({ what, measured, allowed, unit }) => `${what} ${measured} ${unit}, not ${allowed}`,
  );
  throw new Error(`Not held: ${said.join('; ')}`);
}
