import { MemberList } from '@mcp-bridge/link';
import { BridgeError, encodeHeaderValue } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import type {
  UnsolicitedListener,
  UpstreamCall,
  UpstreamChannel,
  UpstreamInfo,
  UpstreamRequest,
  UpstreamSink,
} from '../channel.js';
import type { OpenOptions } from '../connector.js';
import { Conversation } from '../conversation.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { HttpCall } from './http-call.js';
import type { CallCarrier } from './http-call.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { HttpEndpoints } from './http-endpoints.js';
import type { ExchangeEnd } from './http-exchange.js';

export interface HttpChannelOptions extends OpenOptions {
  readonly endpoints: HttpEndpoints;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
}

/** What channels of both eras have in common: every request is a POST of its own. */
export abstract class HttpChannel implements UpstreamChannel, CallCarrier {
  abstract readonly info: UpstreamInfo;
  readonly conversation: Conversation<HttpCall>;
  readonly endpoints: HttpEndpoints;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  protected readonly options: HttpChannelOptions;
  /** Those too that were answered on a stream which is still open. */
  readonly #calls = new MemberList<HttpCall>();
  #closed = false;

  constructor(options: HttpChannelOptions) {
    this.options = options;
    this.endpoints = options.endpoints;
    this.log = options.log;
    this.meters = options.meters;
    this.conversation = new Conversation<HttpCall>({
      audience: options.audience,
      meters: options.meters,
      reply: (message, cause) => this.reply(message, cause),
      onAsked: (call) => call.waitForClient(),
    });
    options.meters.connections.inc();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get inFlight(): number {
    return this.conversation.inFlight;
  }

  request(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall {
    if (this.#closed) {
      sink.onError(this.unavailable('was closed'));
      return NOT_SENT;
    }
    const call = new HttpCall(this, request, sink);
    this.conversation.enter(call);
    this.#calls.add(call);
    this.meters.sent.inc();
    this.begin(call);
    return call;
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

  onDone(call: HttpCall): void {
    this.#calls.remove(call);
  }

  onEnvelope(_envelope: Envelope, _from: HttpEndpoint): void {
    // Only modern servers at several URLs say anything of interest here.
  }

  abstract get resumable(): boolean;
  abstract pick(call: HttpCall, not: HttpEndpoint): HttpEndpoint;
  abstract headersFor(call: HttpCall): Headers;
  abstract intercept(call: HttpCall, end: ExchangeEnd, endpoint: HttpEndpoint): boolean;
  abstract cancelled(call: HttpCall, reason: string | undefined): void;

  /** Ends the channel from within; its owner and the pool hear of it. */
  protected lose(reason: BridgeError): void {
    if (this.#closed) return;
    this.end(reason);
    this.options.onLost(reason);
  }

  protected end(reason: BridgeError): void {
    this.#closed = true;
    this.meters.connections.dec();
    for (const call of this.#calls.snapshot()) call.fail(call.sent ? outcomeUnknown(reason) : reason);
    this.conversation.close(() => reason, reason);
  }

  protected unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.endpoints.server}" ${what}`);
  }

  /** Sends an answer to a request of the server; `call` is what it asked on behalf of. */
  protected abstract reply(message: Buffer, call: HttpCall | undefined): void;
  /** Sends a call for the first time. */
  protected abstract begin(call: HttpCall): void;
  /** Says goodbye to the server. */
  protected abstract farewell(): Promise<void>;
}

const NOT_SENT: UpstreamCall = { cancel: () => undefined };

/** `Mcp-Name`, for requests that have a target (requirement 30), and the `Mcp-Param-*` headers of a request. */
export function targetHeaders({ name, headers }: UpstreamRequest): Headers {
  const named = name === '' ? [] : ['mcp-name', encodeHeaderValue(name)];
  return headers === undefined ? named : [...named, ...paramHeaders(headers)];
}

/** Nothing else that a caller might try to set. */
function paramHeaders(headers: Readonly<Record<string, string>>): Headers {
  return Object.entries(headers)
    .filter(
      ([name, value]) => /^mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value),
    )
    .flat();
}

/** For calls that were sent when the channel was lost. */
export function outcomeUnknown(reason: BridgeError): BridgeError {
  return new BridgeError('OUTCOME_UNKNOWN', `${reason.message}; the call may have run`, { cause: reason });
}
