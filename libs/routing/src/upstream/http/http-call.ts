import type { Member } from '@mcp-bridge/link';
import { BridgeError, replaceSpan, requestMessage } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { Logger } from 'pino';
import type { UpstreamCall, UpstreamRequest, UpstreamSink } from '../channel.js';
import type { Conversation, Pending } from '../conversation.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import { exchangeFailure } from './exchange-failure.js';
import type { HttpEndpoint, Headers, PostKind } from './http-endpoint.js';
import type { HttpEndpoints } from './http-endpoints.js';
import type { ExchangeEnd, ExchangeListener, HttpExchange } from './http-exchange.js';
import { scanBody } from './http-handshake.js';
import type { LegacySession } from './http-handshake.js';

/** How long a stream may stay open after the reply that should have ended it. */
const LINGER_MS = 2_000;
const DEFAULT_RETRY_MS = 1_000;
/** A server that wants to be polled without pause gets this much of it. */
const MIN_RETRY_MS = 100;
/** Attempts to resume in a row that led to no stream. */
const MAX_FAILED_RESUMES = 5;
/** Before the same URL is asked again; half as much more by chance, so that not everybody comes back at once. */
const RETRY_PAUSE_MS = 100;
/** Of these it does not matter how often they run. */
const REPEATABLE =
  /^(?:(?:tools|prompts|resources|resources\/templates)\/list|prompts\/get|resources\/read|completion\/complete|logging\/setLevel|ping)$/;

/** What carries calls: a channel, as they see it. */
export interface CallCarrier {
  readonly endpoints: HttpEndpoints;
  readonly conversation: Conversation<HttpCall>;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  /** Whether a broken stream can be resumed by GET with `Last-Event-ID` (legacy). */
  readonly resumable: boolean;
  /** The URL for another attempt; where there is one that works, another one than `not`. */
  pick(call: HttpCall, not: HttpEndpoint): HttpEndpoint;
  /** Made anew for every attempt: the session may have changed. */
  headersFor(call: HttpCall): Headers;
  /** Sees every message that comes back on the stream of a call, first. */
  onEnvelope(envelope: Envelope, from: HttpEndpoint): void;
  /** Sees a 4xx or 5xx response first; true when it takes care of the call (by `send` again, or `reject`). */
  intercept(call: HttpCall, end: ExchangeEnd, endpoint: HttpEndpoint): boolean;
  /** Tells the server that a request is not wanted any more; its stream is closed next. */
  cancelled(call: HttpCall, reason: string | undefined): void;
  /** Its last exchange has ended. */
  onDone(call: HttpCall): void;
}

/** One request on its way through one or more HTTP exchanges. */
export class HttpCall implements Pending, UpstreamCall, ExchangeListener, Member {
  readonly id: number;
  readonly request: UpstreamRequest;
  readonly sink: UpstreamSink;
  readonly startedAt = performance.now();
  place = -1;
  /** The session that it was sent in, and whether it is its second one; of legacy channels. */
  session: LegacySession | undefined = undefined;
  hasNewSession = false;
  readonly #carrier: CallCarrier;
  readonly #body: Buffer;
  #endpoint: HttpEndpoint | undefined;
  #exchange: HttpExchange | undefined;
  #attempts = 0;
  #hasHeard = false;
  #waits = false;
  /** An earlier attempt reached the server. */
  #mayHaveRun = false;
  #timer: NodeJS.Timeout | undefined;
  #lastEventId = '';
  #retryMs = DEFAULT_RETRY_MS;
  #failedResumes = 0;
  #done = false;

  constructor(carrier: CallCarrier, request: UpstreamRequest, sink: UpstreamSink) {
    this.#carrier = carrier;
    this.request = request;
    this.sink = sink;
    this.id = carrier.conversation.nextId();
    this.#body = requestMessage(String(this.id), request.method, paramsWithToken(request, this.id));
  }

  get method(): string {
    return this.request.method;
  }

  get owner(): string {
    return this.request.owner;
  }

  get logLevel(): string {
    return this.request.logLevel;
  }

  /** Whether any byte of it may have reached the server. */
  get sent(): boolean {
    return this.#mayHaveRun || this.#lastEventId !== '' || this.#exchange?.sent === true;
  }

  cancel(reason?: string): void {
    if (!this.#carrier.conversation.forget(this)) return;
    this.#carrier.cancelled(this, reason);
    this.abort();
  }

  /** Posts the request, for the first time or again in a new session. */
  send(endpoint: HttpEndpoint): void {
    if (this.#done) return;
    if (this.#attempts === 0) this.#carrier.endpoints.budget.called();
    this.#post(endpoint);
  }

  /** Long streams must not use up the connections for calls. */
  get #kind(): PostKind {
    return this.method === 'subscriptions/listen' ? 'stream' : 'call';
  }

  #post(endpoint: HttpEndpoint): void {
    this.#endpoint = endpoint;
    this.#attempts += 1;
    const refusal = endpoint.refusal();
    if (refusal !== undefined) this.fail(this.#mayHaveRun ? outcomeUnknown(refusal) : refusal);
    else this.#exchange = endpoint.post(this.#body, this.#carrier.headersFor(this), this, this.#kind);
  }

  /** Nothing will come before a client has answered: others may work meanwhile. */
  waitForClient(): void {
    this.#waits = true;
    this.#exchange?.waitForClient();
  }

  /** Closes its stream; the sink hears nothing. */
  abort(): void {
    const { deadlineAt } = this.request;
    const isLate = deadlineAt > 0 && performance.now() >= deadlineAt;
    if (isLate && !this.#waits && this.#exchange?.sent === true) this.#endpoint?.doubt();
    this.#exchange?.abort();
    this.#finish();
  }

  /** Treats a response that was intercepted like any other, after all. */
  reject(end: ExchangeEnd): void {
    if (end.body.length > 0) this.#receive(end.body, end);
    if (this.#carrier.conversation.isInFlight(this)) {
      this.fail(exchangeFailure(this.#carrier.endpoints.server, end));
    } else this.#finish();
  }

  fail(error: BridgeError): void {
    this.#exchange?.abort();
    this.#finish();
    this.#carrier.conversation.fail(this, error);
  }

  onMessage(message: Buffer): void {
    this.#receive(message);
    if (this.#carrier.conversation.isInFlight(this) || this.#done) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.abort(), LINGER_MS);
    this.#timer.unref();
  }

  onEnd(end: ExchangeEnd): void {
    const { conversation } = this.#carrier;
    const isResumed = this.#lastEventId !== '';
    if (end.failure === undefined) {
      if (end.status >= 400 && !isResumed && this.#endpoint !== undefined) {
        if (this.#carrier.intercept(this, end, this.#endpoint)) return;
      }
      if (end.body.length > 0) this.#receive(end.body, end);
    }
    if (!conversation.isInFlight(this)) return this.#finish();
    if (this.#resume(end, isResumed) || this.#retry(end)) return;
    const failure = exchangeFailure(this.#carrier.endpoints.server, end);
    // Once its stream had begun the request was being worked on, whatever came of asking for the rest; and so it may
    // have been by an attempt before this one.
    this.fail(isResumed || this.#mayHaveRun ? outcomeUnknown(failure) : failure);
  }

  /** Delivers an event, or a body. Error statuses often come with bodies that are no messages. */
  #receive(bytes: Buffer, end?: ExchangeEnd): void {
    const { conversation, log } = this.#carrier;
    let envelopes: Envelope[];
    try {
      envelopes = scanBody(bytes, this.#carrier.endpoints.maxMessageBytes);
    } catch (error) {
      if (end !== undefined && (end.status >= 300 || !end.isJson)) return;
      const message = `Server "${this.#carrier.endpoints.server}" sent a broken message: ${BridgeError.from(error).message}`;
      this.fail(new BridgeError('UPSTREAM_PROTOCOL', message));
      return;
    }
    for (const envelope of envelopes) {
      this.#hasHeard = true;
      if (this.#endpoint !== undefined) this.#carrier.onEnvelope(envelope, this.#endpoint);
      try {
        conversation.receive(envelope, this);
      } catch (error) {
        log.error({ err: error }, 'a message of the server could not be handled');
      }
    }
  }

  /** 2025-11-25 basic/transports, "Resumability and Redelivery" (SEP-1699): wait, then GET from the last event. */
  #resume(end: ExchangeEnd, isResumed: boolean): boolean {
    if (end.lastEventId !== '') this.#lastEventId = end.lastEventId;
    if (end.retryMs !== undefined) this.#retryMs = end.retryMs;
    const isBroken = end.isStream || end.status === 0 || (isResumed && end.status >= 500);
    if (!this.#carrier.resumable || this.#lastEventId === '' || !isBroken) return false;
    if (end.failure !== undefined && end.failure.kind !== 'connection') return false;
    this.#failedResumes = end.isStream ? 0 : this.#failedResumes + 1;
    if (this.#failedResumes > MAX_FAILED_RESUMES || !isHeaderSafe(this.#lastEventId)) return false;
    if (end.isStream && end.failure === undefined) this.sink.onPolling?.(this.#retryMs);
    this.#timer = setTimeout(
      () => {
        const headers = [...this.#carrier.headersFor(this), 'last-event-id', this.#lastEventId];
        this.#exchange = this.#endpoint?.get(headers, this);
      },
      Math.max(MIN_RETRY_MS, this.#retryMs),
    );
    return true;
  }

  /**
   * Sends it once more where that can do no harm: it did not reach the server, or may run any number of times, and
   * nothing of it has been heard. Within the budget of the server only.
   */
  #retry(end: ExchangeEnd): boolean {
    const { endpoints, meters } = this.#carrier;
    const hasBroken = end.failure?.kind === 'connection' || (end.failure === undefined && end.status >= 500);
    if (!hasBroken || this.#kind === 'stream' || this.#hasHeard || this.#attempts !== 1) return false;
    if (end.sent && !this.#isRepeatable()) return false;
    const last = this.#endpoint;
    if (last === undefined) return false;
    const next = this.#carrier.pick(this, last);
    if (!next.admits) return false;
    const isGranted = endpoints.budget.take();
    meters.retried(isGranted ? 'sent' : 'over_budget');
    if (!isGranted) return false;
    this.#mayHaveRun = end.sent;
    const pauseMs = next === last ? RETRY_PAUSE_MS * (1 + Math.random() / 2) : 0;
    this.#timer = setTimeout(() => this.#post(next), pauseMs);
    return true;
  }

  #isRepeatable(): boolean {
    const { method, sink } = this;
    return REPEATABLE.test(method) || (method === 'tools/call' && sink.mayRepeat?.() === true);
  }

  #finish(): void {
    clearTimeout(this.#timer);
    if (this.#done) return;
    this.#done = true;
    this.#carrier.onDone(this);
  }
}

/** The params, with the progress token replaced by the request's own id. */
export function paramsWithToken(request: UpstreamRequest, id: number): Buffer {
  const { params, progressTokenStart: start, progressTokenEnd: end } = request;
  return start < 0 ? params : replaceSpan(params, { start, end }, String(id));
}

function outcomeUnknown(failure: BridgeError): BridgeError {
  if (failure.code === 'OUTCOME_UNKNOWN') return failure;
  const message = `${failure.message}; the call was sent before and may have run`;
  return new BridgeError('OUTCOME_UNKNOWN', message, { cause: failure });
}

/** Event ids come from the server and go into a header of ours. */
function isHeaderSafe(text: string): boolean {
  return /^[\t\x20-\x7e]{1,2048}$/.test(text);
}
