/** Most label combinations of one family; further ones are counted under the label value `other`. */
const MAX_SERIES = 2_000;

/** A count that only grows. */
export interface CounterChild {
  inc(by?: number): void;
}

/** A value that goes up and down. */
export interface GaugeChild {
  inc(by?: number): void;
  dec(by?: number): void;
  set(value: number): void;
}

/** A distribution. Times are in seconds. */
export interface HistogramChild {
  observe(value: number): void;
}

/** Children of one metric name, one per combination of label values. */
export interface Family<Labels extends Readonly<Record<string, string>>, Child> {
  /** Finds or makes the child. Costs a map lookup and a string: resolve once, outside hot paths. */
  labels(labels: Labels): Child;
}

/** A gauge whose children may also be read at scrape time. */
export interface GaugeFamily<Labels extends Readonly<Record<string, string>>> extends Family<
  Labels,
  GaugeChild
> {
  /** Reads the value at scrape time instead of pushing it. A second call for the same labels replaces the first. */
  track(labels: Labels, read: () => number): void;
}

/** The shape in which prom-client's registry collects a metric. */
export interface Collected {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: Sample[];
}

export interface Sample {
  readonly value: number;
  readonly labels: Record<string, string | number>;
  readonly metricName?: string;
}

/**
 * A family of series that a prom-client registry can collect. prom-client's own resolved children still hash
 * and validate their labels on every call (200 ns for `inc`, 320 ns for `observe`); these are plain fields.
 */
abstract class SeriesFamily<Labels extends Readonly<Record<string, string>>, Child> {
  readonly name: string;
  protected readonly help: string;
  protected readonly children = new Map<string, { labels: Record<string, string>; child: Child }>();
  readonly #labelNames: readonly string[];

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
  }

  protected abstract create(): Child;

  labels(labels: Labels): Child {
    const values = this.#labelNames.map((name) => labels[name] ?? '');
    const known = this.children.get(values.join('\0'));
    if (known !== undefined) return known.child;
    const bounded = this.children.size < MAX_SERIES ? values : values.map(() => 'other');
    const key = bounded.join('\0');
    const existing = this.children.get(key);
    if (existing !== undefined) return existing.child;
    const child = this.create();
    const named = Object.fromEntries(this.#labelNames.map((name, index) => [name, bounded[index] ?? '']));
    this.children.set(key, { labels: named, child });
    return child;
  }

  protected collected(type: Collected['type'], values: Sample[]): Promise<Collected> {
    return Promise.resolve({ name: this.name, help: this.help, type, aggregator: 'sum', values });
  }

  reset(): void {
    this.children.clear();
  }
}

class Cell implements CounterChild, GaugeChild {
  value = 0;
  read: (() => number) | undefined = undefined;

  inc(by = 1): void {
    this.value += by;
  }

  dec(by = 1): void {
    this.value -= by;
  }

  set(value: number): void {
    this.value = value;
  }
}

export class Counters<Labels extends Readonly<Record<string, string>>>
  extends SeriesFamily<Labels, Cell>
  implements Family<Labels, CounterChild>
{
  protected create(): Cell {
    return new Cell();
  }

  get(): Promise<Collected> {
    return this.collected(
      'counter',
      [...this.children.values()].map(({ labels, child }) => ({ labels, value: child.value })),
    );
  }
}

export class Gauges<Labels extends Readonly<Record<string, string>>>
  extends SeriesFamily<Labels, Cell>
  implements GaugeFamily<Labels>
{
  protected create(): Cell {
    return new Cell();
  }

  track(labels: Labels, read: () => number): void {
    this.labels(labels).read = read;
  }

  get(): Promise<Collected> {
    return this.collected(
      'gauge',
      [...this.children.values()].map(({ labels, child }) => ({
        labels,
        value: child.read === undefined ? child.value : child.read(),
      })),
    );
  }
}

class Distribution implements HistogramChild {
  readonly #bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}

export class Histograms<Labels extends Readonly<Record<string, string>>>
  extends SeriesFamily<Labels, Distribution>
  implements Family<Labels, HistogramChild>
{
  readonly #bounds: readonly number[];

  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    super(name, help, labelNames);
    this.#bounds = bounds;
  }

  protected create(): Distribution {
    return new Distribution(this.#bounds);
  }

  get(): Promise<Collected> {
    const samples: Sample[] = [];
    for (const { labels, child } of this.children.values()) {
      let cumulative = 0;
      child.counts.forEach((count, index) => {
        cumulative += count;
        const le = this.#bounds[index] ?? '+Inf';
        samples.push({ metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: cumulative });
      });
      samples.push({ metricName: `${this.name}_sum`, labels, value: child.sum });
      samples.push({ metricName: `${this.name}_count`, labels, value: cumulative });
    }
    return this.collected('histogram', samples);
  }
}
