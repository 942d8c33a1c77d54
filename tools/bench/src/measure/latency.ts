import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

/** Percentiles of response times in milliseconds. */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Response times as they come, kept as an HDR histogram of microseconds with three significant digits. */
export interface LatencyRecorder {
  record(latencyMs: number): void;
  summary(): LatencySummary;
  /** HdrHistogram's compressed base64 form, which its tools in other languages read too. */
  encode(): string;
}

const US_PER_MS = 1000;
/** Longer answers count as this long. */
const MAX_US = 60_000_000;

export function createLatencyRecorder(): LatencyRecorder {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 3,
  });
  return {
    record: (latencyMs) =>
      histogram.recordValue(Math.min(MAX_US, Math.max(1, Math.round(latencyMs * US_PER_MS)))),
    summary: () => summarize(histogram),
    encode: () => encodeIntoCompressedBase64(histogram),
  };
}

/** The percentiles of an encoded histogram. */
export function summarizeEncoded(encoded: string): LatencySummary {
  return summarize(decodeFromCompressedBase64(encoded));
}

function summarize(histogram: Histogram): LatencySummary {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / US_PER_MS;
  return { p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max: at(100) };
}
