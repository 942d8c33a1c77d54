/** What came back, counted by class (`200 result`, `400 -32600`, `closed`, …). */
export class Tally {
  readonly classes = new Map<string, number>();
  /** Inputs that ended, in whatever way. */
  done = 0;
  slowestMs = 0;

  add(answer: string, tookMs: number): void {
    this.classes.set(answer, (this.classes.get(answer) ?? 0) + 1);
    this.done += 1;
    if (tookMs > this.slowestMs) this.slowestMs = tookMs;
  }

  /** Counts what is not the answer to an input. */
  note(what: string): void {
    this.classes.set(what, (this.classes.get(what) ?? 0) + 1);
  }
}
