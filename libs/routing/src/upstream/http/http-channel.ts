import { BridgeError, encodeHeaderValue, replaceSpan, requestMessage } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import type {
  UnsolicitedListener,
  UpstreamChannel,
  UpstreamInfo,
  UpstreamRequest,
  UpstreamSink,
} from '../channel.js';
import type { OpenOptions } from '../connector.js';
import { Conversation } from '../conversation.js';
import type { Pending } from '../conversation.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { HttpCall } from './http-call.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { HttpEndpoints } from './http-endpoints.js';
import type { ExchangeEnd } from './http-exchange.js';

export interface HttpChannelOptions extends OpenOptions {
  readonly endpoints: HttpEndpoints;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
}

/** What channels of both eras have in common: every request is a POST of its own. */
export abstract class HttpChannel implements UpstreamChannel {
  abstract readonly info: UpstreamInfo;
  protected readonly options: HttpChannelOptions;
  protected readonly conversation: Conversation;
  readonly #calls = new Map<Pending, HttpCall>();
  #closed = false;

  constructor(options: HttpChannelOptions) {
    this.options = options;
    this.conversation = new Conversation({
      audience: options.audience,
      meters: options.meters,
      reply: (message, cause) =>
        this.reply(message, cause === undefined ? undefined : this.#calls.get(cause)),
      onAsked: (pending) => this.#calls.get(pending)?.waitForClient(),
    });
    options.meters.connections.inc();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get inFlight(): number {
    return this.conversation.inFlight;
  }

  request(request: UpstreamRequest, sink: UpstreamSink): { cancel(reason?: string): void } {
    if (this.#closed) {
      sink.onError(this.unavailable('was closed'));
      return { cancel: () => undefined };
    }
    const pending = this.conversation.begin(request, sink);
    const call: HttpCall = new HttpCall({
      endpoints: this.options.endpoints,
      pick: (not) => this.pick(request, not),
      conversation: this.conversation,
      pending,
      body: requestMessage(String(pending.id), request.method, paramsWithToken(request, pending.id)),
      log: this.options.log,
      kind: request.method === 'subscriptions/listen' ? 'stream' : 'call',
      deadlineAt: request.deadlineAt,
      headers: () => this.headersFor(request, call),
      resumable: this.info.era === 'legacy',
      intercept: (end, endpoint) => this.intercept(call, end, endpoint),
      onRetry: this.options.meters.retried,
      onEnvelope: this.onEnvelope,
      onDone: () => this.#calls.delete(pending),
    });
    this.#calls.set(pending, call);
    this.options.meters.sent.inc();
    this.begin(call, request);
    return {
      cancel: (reason) => {
        if (!this.conversation.forget(pending)) return;
        this.cancelled(call, reason);
        call.abort();
      },
    };
  }

  abstract notify(method: string, params: Buffer): void;

  listen(listener: UnsolicitedListener): void {
    this.conversation.listen(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.end(this.unavailable('was closed'));
    await this.farewell();
  }

  /** Ends the channel from within; its owner and the pool hear of it. */
  protected lose(reason: BridgeError): void {
    if (this.#closed) return;
    this.end(reason);
    this.options.onLost(reason);
  }

  protected end(reason: BridgeError): void {
    this.#closed = true;
    this.options.meters.connections.dec();
    for (const call of [...this.#calls.values()]) call.fail(call.sent ? outcomeUnknown(reason) : reason);
    this.conversation.close(() => reason, reason);
  }

  protected unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.options.endpoints.server}" ${what}`);
  }

  /** Sees every message that comes back on the stream of a call. */
  protected onEnvelope: ((envelope: Envelope, from: HttpEndpoint) => void) | undefined = undefined;
  /** The URL for another attempt of a request; where there is one that works, another one than `not`. */
  protected abstract pick(request: UpstreamRequest, not: HttpEndpoint): HttpEndpoint;
  /** Sends an answer to a request of the server; `call` is what it asked on behalf of. */
  protected abstract reply(message: Buffer, call: HttpCall | undefined): void;
  protected abstract headersFor(request: UpstreamRequest, call: HttpCall): Headers;
  protected abstract begin(call: HttpCall, request: UpstreamRequest): void;
  protected abstract intercept(call: HttpCall, end: ExchangeEnd, endpoint: HttpEndpoint): boolean;
  /** Tells the server that a request is not wanted any more; its stream is closed next. */
  protected abstract cancelled(call: HttpCall, reason: string | undefined): void;
  /** Says goodbye to the server. */
  protected abstract farewell(): Promise<void>;
}

/** `Mcp-Name` for requests that have a target (requirement 30). */
export function nameHeader(request: UpstreamRequest): Headers {
  return request.name === '' ? {} : { 'mcp-name': encodeHeaderValue(request.name) };
}

/** The `Mcp-Param-*` headers of a request, and nothing else that a caller might try to set. */
export function paramHeaders(request: UpstreamRequest): Headers {
  const headers: Headers = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (/^mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value))
      headers[name] = value;
  }
  return headers;
}

/** The params, with the progress token replaced by the request's own id. */
export function paramsWithToken(request: UpstreamRequest, id: number): Buffer {
  const { params, progressTokenStart: start, progressTokenEnd: end } = request;
  return start < 0 ? params : replaceSpan(params, { start, end }, String(id));
}

/** For calls that were sent when the channel was lost. */
export function outcomeUnknown(reason: BridgeError): BridgeError {
  return new BridgeError('OUTCOME_UNKNOWN', `${reason.message}; the call may have run`, { cause: reason });
}
