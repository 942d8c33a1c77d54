import { notificationMessage } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { UpstreamInfo } from '../channel.js';
import { HttpChannel, targetHeaders } from './http-channel.js';
import type { HttpChannelOptions } from './http-channel.js';
import type { HttpCall } from './http-call.js';
import { exchangeEnd } from './exchange-end.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { ExchangeEnd } from './http-exchange.js';
import { discover, modernHeaders } from './http-handshake.js';
import { PinnedStates } from './pinned-states.js';

const RECHECK_TIMEOUT_MS = 5_000;
/** How often at most a refused request makes us ask the server for its era again. */
const RECHECK_INTERVAL_MS = 5_000;

/** A stateless server (2026-07-28): no session, no general stream; closing a request's stream cancels it. */
export class ModernHttpChannel extends HttpChannel {
  readonly info: UpstreamInfo;
  readonly #pinned: PinnedStates | undefined;
  #recheckedAt = -Infinity;

  constructor(options: HttpChannelOptions, info: UpstreamInfo) {
    super(options);
    this.info = info;
    this.#pinned = options.endpoints.several ? new PinnedStates() : undefined;
  }

  notify(method: string, params: Buffer): void {
    if (this.closed) return;
    const headers = ['mcp-protocol-version', this.info.protocolVersion, 'mcp-method', method];
    const message = notificationMessage(method, params);
    const endpoint = this.endpoints.pick('');
    exchangeEnd((listener) => endpoint.post(message, headers, listener, 'message'));
  }

  protected reply(): void {
    // A modern server must not ask, and must not be sent answers.
  }

  get resumable(): boolean {
    return false;
  }

  override onEnvelope(envelope: Envelope, from: HttpEndpoint): void {
    this.#pinned?.learn(envelope, from);
  }

  headersFor({ request }: HttpCall): Headers {
    return [...modernHeaders(request), ...targetHeaders(request)];
  }

  pick({ request }: HttpCall, not: HttpEndpoint): HttpEndpoint {
    return this.#pinned?.of(request.params) ?? this.endpoints.pick(request.owner, not);
  }

  protected begin(call: HttpCall): void {
    const { request } = call;
    call.send(this.#pinned?.of(request.params) ?? this.endpoints.pick(request.owner));
  }

  intercept(_call: HttpCall, end: ExchangeEnd, endpoint: HttpEndpoint): boolean {
    if (end.status < 500 && !end.isJson) void this.#recheck(endpoint);
    return false;
  }

  cancelled(): void {
    // Closing the stream, which follows, is the cancellation (2026-07-28 basic/transports/streamable-http).
  }

  protected farewell(): Promise<void> {
    return Promise.resolve();
  }

  /** A refusal that no modern server makes: perhaps an older one took its place. */
  async #recheck(endpoint: HttpEndpoint): Promise<void> {
    if (performance.now() - this.#recheckedAt < RECHECK_INTERVAL_MS) return;
    this.#recheckedAt = performance.now();
    try {
      const verdict = await discover(endpoint, RECHECK_TIMEOUT_MS);
      if (verdict !== 'silent' && verdict.era === 'legacy')
        this.lose(this.unavailable('no longer speaks 2026-07-28'));
    } catch {
      // Unreachable for now: no evidence.
    }
  }
}
