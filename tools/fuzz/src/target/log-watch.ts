/** What no input may bring about, wherever in the output it is said. */
const ALARMS =
  /uncaught|unhandled|handler threw|FATAL ERROR|heap out of memory|Assertion|RangeError|TypeError|ReferenceError|SyntaxError/i;
const KEPT_ALARMS = 20;

/** Reads the output of the bridge under test, line by line. */
export class LogWatch {
  /** Messages at level error and above, with how often they came. */
  readonly errors = new Map<string, number>();
  readonly #alarms: string[] = [];
  readonly #waiting = new Map<string, (rest: string) => void>();

  line(line: string): void {
    for (const [start, resolve] of this.#waiting) {
      if (!line.startsWith(start)) continue;
      this.#waiting.delete(start);
      resolve(line.slice(start.length));
      return;
    }
    if (ALARMS.test(line) && this.#alarms.length < KEPT_ALARMS) this.#alarms.push(line.slice(0, 4_000));
    const message = /"level":"(?:error|fatal)".*"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
    if (message !== undefined) this.errors.set(message, (this.errors.get(message) ?? 0) + 1);
  }

  /** The alarming lines since the last call. */
  takeAlarms(): string[] {
    return this.#alarms.splice(0);
  }

  /** The rest of the next line that starts with this. */
  next(start: string): Promise<string> {
    return new Promise((resolve) => this.#waiting.set(start, resolve));
  }
}
