export { createMetrics } from './metrics.js';
export type {
  ComponentLabel,
  DirectionLabel,
  Metrics,
  MetricsOptions,
  OutcomeLabel,
  TransportLabel,
} from './metrics.js';
export { methodLabel } from './method-label.js';
export { createRequestMeter } from './request-meter.js';
export type { RequestMeter } from './request-meter.js';
export type { CounterChild, Family, GaugeChild, GaugeFamily, HistogramChild } from './series.js';
