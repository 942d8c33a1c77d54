import { CallTable } from '@mcp-bridge/link';
import { BridgeError, errorReply, resultReply, upstreamError } from '@mcp-bridge/protocol';
import type { Envelope, Span } from '@mcp-bridge/protocol';
import type { RespondToUpstream, UnsolicitedListener, UpstreamRequest, UpstreamSink } from './channel.js';
import type { UpstreamMeters } from './upstream-meters.js';

/** Requests of one upstream that may wait for an answer at once; more are refused. */
const MAX_ASKED = 1_000;
/** Messages kept for the owner of a new channel until it listens: many servers ask for roots at once. */
const MAX_EARLY = 32;
const EMPTY_RESULT = Buffer.from('{}');
const NOBODY_TO_ASK = new BridgeError(
  'METHOD_NOT_FOUND',
  'This connection serves no single client that could be asked',
);
const TOO_MANY_ASKED = new BridgeError('OVERLOADED', 'Too many requests to the client are waiting already');

/** One request in flight. */
export interface Pending {
  readonly id: number;
  readonly method: string;
  readonly owner: string;
  readonly logLevel: string;
  readonly sink: UpstreamSink;
  readonly startedAt: number;
  /** Whether any byte may have reached the upstream: then nobody can tell if it ran. */
  readonly sent: boolean;
}

/** A request whose channel knows no more of it, and says when it was sent. */
export interface PlainPending extends Pending {
  sent: boolean;
}

/**
 * Whose the channel is. `client`: one client alone, so what names no request belongs to its newest one, and the
 * upstream may ask that client. `principal`: several clients of one principal, asked only where one call is in
 * flight. `shared`: several principals, so what names no request is delivered only when it cannot reach the wrong
 * one.
 */
export type Audience = 'client' | 'principal' | 'shared';

export interface ConversationOptions<Call extends Pending = PlainPending> {
  readonly audience: Audience;
  readonly meters: UpstreamMeters;
  /**
   * Sends a whole message (without newline) to the upstream; used for answers to its requests.
   * @param cause - the request on whose behalf it asked, where there is one
   */
  readonly reply: (message: Buffer, cause: Call | undefined) => void;
  /** The client of this request was asked something, and the upstream waits for the answer. */
  readonly onAsked?: (call: Call) => void;
}

/**
 * The bookkeeping that all transports share: ids, requests in flight, and which message belongs to which of
 * them. Replies to unknown ids (late, cancelled, invented) are dropped and counted.
 *
 * @typeParam Call - what the channel keeps of a request
 */
export class Conversation<Call extends Pending = PlainPending> {
  #listener: UnsolicitedListener | undefined;
  #early: Envelope[] = [];
  readonly #options: ConversationOptions<Call>;
  readonly #pending = new CallTable<Call>();
  #lastId = 0;
  /** Raw id of an upstream's request to the client → who was asked, for `notifications/cancelled`. */
  readonly #asked = new Map<string, UpstreamSink | UnsolicitedListener>();
  #closed = false;

  constructor(options: ConversationOptions<Call>) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  get listener(): UnsolicitedListener | undefined {
    return this.#listener;
  }

  /** Sets the listener, and gives it what came before. */
  listen(listener: UnsolicitedListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const message of early) this.receive(message, undefined);
  }

  /** An id for the next request. Ids rise. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  enter(call: Call): void {
    this.#pending.add(call);
  }

  begin(this: Conversation, request: UpstreamRequest, sink: UpstreamSink): PlainPending {
    const pending: PlainPending = {
      id: this.nextId(),
      method: request.method,
      owner: request.owner,
      logLevel: request.logLevel,
      sink,
      startedAt: performance.now(),
      sent: false,
    };
    this.enter(pending);
    return pending;
  }

  isInFlight(pending: Call): boolean {
    return this.#pending.get(pending.id) === pending;
  }

  get(id: number): Call | undefined {
    return this.#pending.get(id);
  }

  all(): Call[] {
    return this.#pending.snapshot();
  }

  /** Forgets a request whose caller wants no answer; false when it had ended already. */
  forget(pending: Call): boolean {
    return this.#pending.remove(pending);
  }

  fail(pending: Call, error: BridgeError): void {
    if (this.#pending.remove(pending)) pending.sink.onError(error);
  }

  /** Fails everything in flight, and then tells the listener. Nothing is delivered afterwards. */
  close(errorFor: (pending: Call) => BridgeError, reason: BridgeError): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of this.all()) this.fail(pending, errorFor(pending));
    this.#asked.clear();
    this.#early = [];
    this.#listener?.onClosed(reason);
  }

  /**
   * Delivers one message of the upstream.
   * @param origin - the request on whose own stream it came; `undefined` on pipes and general streams
   */
  receive(envelope: Envelope, origin: Call | undefined): void {
    this.#options.meters.received.inc();
    if (this.#closed) return;
    switch (envelope.kind) {
      case 'result':
      case 'error':
        return this.#receiveReply(envelope, origin);
      case 'request':
        return this.#receiveRequest(envelope, origin);
      case 'notification':
        return this.#receiveNotification(envelope, origin);
    }
  }

  #receiveReply(envelope: Envelope, origin: Call | undefined): void {
    const pending = this.#repliedTo(envelope, origin);
    if (pending === undefined || (origin !== undefined && pending !== origin)) {
      this.#options.meters.dropped('late_reply');
      return;
    }
    const error = envelope.kind === 'error' ? upstreamError(envelope) : undefined;
    this.#pending.remove(pending);
    this.#options.meters.responseTime.observe((performance.now() - pending.startedAt) / 1000);
    if (error === undefined) pending.sink.onResult(envelope);
    else pending.sink.onError(error);
  }

  #repliedTo(envelope: Envelope, origin: Call | undefined): Call | undefined {
    if (envelope.id.start >= 0) return this.#pending.get(integerAt(envelope.bytes, envelope.id));
    // An error without id: the upstream could not read a request. With one candidate it is clear which.
    if (origin !== undefined) return this.isInFlight(origin) ? origin : undefined;
    return this.#pending.size === 1 ? this.#newest() : undefined;
  }

  #receiveRequest(request: Envelope, origin: Call | undefined): void {
    const id = request.bytes.toString('utf8', request.id.start, request.id.end);
    if (request.method === 'ping') {
      this.#options.reply(resultReply(id, EMPTY_RESULT), origin);
      return;
    }
    const cause = origin ?? this.#causeOfQuestion();
    const asked = cause?.sink ?? (this.#options.audience === 'client' ? this.#listener : undefined);
    if (asked === undefined && this.#keepEarly(request)) return;
    if (asked === undefined || this.#asked.size >= MAX_ASKED) {
      this.#options.meters.dropped('server_request');
      this.#options.reply(errorReply(id, asked === undefined ? NOBODY_TO_ASK : TOO_MANY_ASKED), cause);
      return;
    }
    this.#asked.set(id, asked);
    if (cause !== undefined) this.#options.onAsked?.(cause);
    asked.onServerRequest(request, this.#responder(id, cause));
  }

  /** The call behind a question that names none; only where that is certain (requirement 47). */
  #causeOfQuestion(): Call | undefined {
    switch (this.#options.audience) {
      case 'client':
        return this.#newest();
      case 'principal':
        return this.#pending.size === 1 ? this.#newest() : undefined;
      case 'shared':
        return undefined;
    }
  }

  #responder(id: string, cause: Call | undefined): RespondToUpstream {
    return (member, value) => {
      if (this.#closed || !this.#asked.delete(id)) return;
      const head = Buffer.from(`{"jsonrpc":"2.0","id":${id},"${member}":`);
      this.#options.reply(Buffer.concat([head, value, CLOSING_BRACE]), cause);
    };
  }

  #receiveNotification(notification: Envelope, origin: Call | undefined): void {
    const { bytes, method } = notification;
    if (method === 'notifications/progress') {
      const pending = this.#pending.get(integerAt(bytes, notification.progressToken));
      if (pending === undefined) this.#options.meters.dropped('late_progress');
      else pending.sink.onNotification(notification);
    } else if (method === 'notifications/cancelled') {
      this.#receiveCancelled(notification);
    } else if (origin !== undefined) {
      if (this.isInFlight(origin)) origin.sink.onNotification(notification);
    } else if (notification.subscriptionId.start >= 0) {
      const pending = this.#pending.get(integerAt(bytes, notification.subscriptionId));
      if (pending === undefined) this.#options.meters.dropped('late_event');
      else pending.sink.onNotification(notification);
    } else if (method === 'notifications/message') {
      this.#receiveLog(notification);
    } else {
      this.#giveToListener(notification);
    }
  }

  #giveToListener(notification: Envelope): void {
    if (this.#listener !== undefined) this.#listener.onNotification(notification);
    else this.#keepEarly(notification);
  }

  #keepEarly(message: Envelope): boolean {
    const keeps =
      this.#options.audience === 'client' && this.#listener === undefined && this.#early.length < MAX_EARLY;
    if (keeps) this.#early.push(message);
    return keeps;
  }

  /** The upstream takes back a request of its own, or ends a subscription of ours. */
  #receiveCancelled(notification: Envelope): void {
    const { bytes, requestId } = notification;
    const raw = requestId.start < 0 ? '' : bytes.toString('utf8', requestId.start, requestId.end);
    const asked = this.#asked.get(raw);
    if (asked !== undefined) {
      asked.onNotification(notification);
      this.#asked.delete(raw);
      return;
    }
    const pending = this.#pending.get(integerAt(bytes, requestId));
    if (pending?.method !== 'subscriptions/listen') return;
    this.fail(pending, new BridgeError('UPSTREAM_UNAVAILABLE', 'The server ended the subscription'));
  }

  #receiveLog(notification: Envelope): void {
    if (this.#options.audience === 'client') {
      const newest = this.#newest();
      if (newest === undefined) this.#giveToListener(notification);
      else newest.sink.onNotification(notification);
      return;
    }
    let target: Call | undefined;
    for (const pending of this.all()) {
      if (pending.logLevel === '') continue;
      if (target !== undefined && target.owner !== pending.owner) {
        this.#options.meters.dropped('ambiguous_log');
        return;
      }
      if (target === undefined || target.id < pending.id) target = pending;
    }
    if (target === undefined) this.#options.meters.dropped('unowned_log');
    else target.sink.onNotification(notification);
  }

  /** The newest request that is a call: a subscription stream causes neither log messages nor questions. */
  #newest(): Call | undefined {
    let newest: Call | undefined;
    for (const pending of this.all()) {
      if (pending.method !== 'subscriptions/listen' && pending.id > (newest?.id ?? 0)) newest = pending;
    }
    return newest;
  }
}

const CLOSING_BRACE = Buffer.from('}');

/** The non-negative integer at a span, `-1` for anything else. Ids and tokens of ours are such integers. */
export function integerAt(bytes: Buffer, span: Span): number {
  if (span.start < 0 || span.end - span.start > 15) return -1;
  let value = 0;
  for (let at = span.start; at < span.end; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
