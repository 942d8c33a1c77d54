import {
  createRequestMeter,
  type Metrics,
  type OutcomeLabel,
  type RequestMeter,
  type TransportLabel,
} from '@mcp-bridge/metrics';

type Counter = ReturnType<Metrics['bytes']['labels']>;
type Gauge = ReturnType<Metrics['connections']['labels']>;

/** Counts what the channels of one transport carry. */
export class ChannelMeter {
  readonly #requests: RequestMeter;
  readonly #messagesIn: Counter;
  readonly #messagesOut: Counter;
  readonly #bytesIn: Counter;
  readonly #bytesOut: Counter;
  readonly #connections: Gauge;

  constructor(metrics: Metrics, transport: TransportLabel) {
    this.#requests = createRequestMeter(metrics, transport);
    this.#messagesIn = metrics.messages.labels({ transport, direction: 'in' });
    this.#messagesOut = metrics.messages.labels({ transport, direction: 'out' });
    this.#bytesIn = metrics.bytes.labels({ transport, direction: 'in' });
    this.#bytesOut = metrics.bytes.labels({ transport, direction: 'out' });
    this.#connections = metrics.connections.labels({ transport });
  }

  opened(): void {
    this.#connections.inc();
  }

  closed(): void {
    this.#connections.dec();
  }

  received(bytes: number): void {
    this.#messagesIn.inc();
    this.#bytesIn.inc(bytes);
  }

  sent(bytes: number): void {
    this.#messagesOut.inc();
    this.#bytesOut.inc(bytes);
  }

  done(method: string, outcome: OutcomeLabel, startedAt: number): void {
    this.#requests.done(method, outcome, (performance.now() - startedAt) / 1000);
  }
}
