import { methodLabel } from './method-label.js';
import type { Metrics, OutcomeLabel, TransportLabel } from './metrics.js';
import type { CounterChild, HistogramChild } from './series.js';

/** Counts and times the requests of one transport with all children resolved. */
export interface RequestMeter {
  /** One map lookup and two additions; no allocation after the first request of a method. */
  done(method: string, outcome: OutcomeLabel, seconds: number): void;
}

interface MethodChildren {
  readonly duration: HistogramChild;
  readonly outcomes: Readonly<Record<OutcomeLabel, CounterChild>>;
}

/** Makes the meter that a transport calls once per answered request. */
export function createRequestMeter(metrics: Metrics, transport: TransportLabel): RequestMeter {
  const byMethod = new Map<string, MethodChildren>();
  const resolve = (method: string): MethodChildren => {
    const label = methodLabel(method);
    const known = byMethod.get(label);
    if (known !== undefined) return known;
    const counter = (outcome: OutcomeLabel): CounterChild =>
      metrics.requests.labels({ transport, method: label, outcome });
    const children = {
      duration: metrics.requestDuration.labels({ transport, method: label }),
      outcomes: { ok: counter('ok'), error: counter('error'), cancelled: counter('cancelled') },
    };
    byMethod.set(label, children);
    return children;
  };
  return {
    done(method, outcome, seconds) {
      const children = byMethod.get(method) ?? resolve(method);
      children.outcomes[outcome].inc();
      children.duration.observe(seconds);
    },
  };
}
