/** What came back, counted by class (`200 result`, `400 -32600`, `closed`, …). */
export class Tally {
  readonly classes = new Map<string, number>();
  /** Inputs that ended, in whatever way. */
  done = 0;
  slowestMs = 0;
  /** Other figures, the greatest of each. */
  readonly figures = new Map<string, number>();

  add(answer: string, tookMs: number): void {
    this.classes.set(answer, (this.classes.get(answer) ?? 0) + 1);
    this.done += 1;
    if (tookMs > this.slowestMs) this.slowestMs = tookMs;
  }

  /** Keeps the greatest value. */
  figure(name: string, value: number): void {
    this.figures.set(name, Math.max(value, this.figures.get(name) ?? value));
  }
}
