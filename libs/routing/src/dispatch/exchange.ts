import { BridgeError, ERRORS, notificationMessage, splice } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import { clientError } from '../adapt/error.js';
import { isModernVersion, passesLevel } from '../adapt/era.js';
import { upstreamParams, withMembers } from '../adapt/params.js';
import type { UpstreamParams } from '../adapt/params.js';
import { clientResult } from '../adapt/result.js';
import { missingCapability, refuseToAsk } from '../input/capabilities.js';
import { relayInputRequired } from '../input/input-relay.js';
import type { HeldCalls, HeldExchange } from '../input/held-calls.js';
import { OpenAsks } from '../input/open-asks.js';
import type { Session } from '../sessions/session.js';
import type { ChannelLease, RespondToUpstream, UpstreamCall, UpstreamSink } from '../upstream/channel.js';
import type { ActiveCall } from './active-call.js';
import type { TaskOwners } from './task-owners.js';

/** Messages kept for a client between its answer and its next request. */
const MAX_OUTBOX = 256;

const HEADER_MISMATCH = ERRORS.HEADER_MISMATCH.rpc;
const BRIDGE_PREFIX = 'notifications/bridge/';
/** Makes the gateway close a legacy client's stream, which the client then resumes. */
const CLOSE_STREAM = `${BRIDGE_PREFIX}close_stream`;

/** What an exchange needs from the rest of the router. */
export interface ExchangeContext {
  readonly held: HeldCalls;
  readonly tasks: TaskOwners;
  /** List changes and resource updates that an upstream mixed into a call's stream. */
  readonly onUnsolicited: (server: string, request: CallRequest, notification: Envelope) => void;
  /** The headers that a call's target asks for now, its tool listed again. */
  readonly relistHeaders: (
    target: Target,
    request: CallRequest,
  ) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Whether the called tool may run any number of times. */
  readonly mayRepeat: (target: Target, request: CallRequest) => boolean;
}

/** Where a call goes: the server, and the target's name there (`undefined`: as the client named it). */
export interface Target {
  readonly server: string;
  readonly upstreamName: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * One call on its way through an upstream: from the client's request to the upstream's reply, over as many rounds
 * of client input as it takes. The four pairs of eras differ only in how a question reaches the client:
 *
 * | client | upstream | a question becomes |
 * |---|---|---|
 * | legacy | legacy | a request on the call's stream (`Session.ask`) |
 * | modern | modern | nothing: the `input_required` result passes through |
 * | legacy | modern | requests on the call's stream, then a retry upstream (`relayInputRequired`) |
 * | modern | legacy | an `input_required` result while the upstream call is held (`HeldCalls`) |
 */
export class Exchange implements UpstreamSink, HeldExchange {
  readonly #context: ExchangeContext;
  readonly #lease: ChannelLease;
  #target: Target;
  readonly #session: Session | undefined;
  readonly #base: UpstreamParams;
  /** The level that the upstream was asked for on behalf of this call, `''` for none. */
  readonly #logLevel: string;
  /** Made with the first question: most calls never hear one. */
  #asks: OpenAsks | undefined;
  #request: CallRequest;
  /** The client call that waits now; none while the exchange is held. */
  #call: ActiveCall | undefined;
  #upstreamCall: UpstreamCall | undefined;
  #outbox: Buffer[] = [];
  #outcome: { result: Buffer } | { error: BridgeError } | undefined;
  #rounds = 0;
  #sent: UpstreamParams;
  #relisted = false;
  #released = false;

  constructor(
    context: ExchangeContext,
    call: ActiveCall,
    lease: ChannelLease,
    target: Target,
    session: Session | undefined,
    logLevel: string,
  ) {
    this.#context = context;
    this.#request = call.request;
    this.#lease = lease;
    this.#target = target;
    this.#session = session;
    this.#base = upstreamParams(call.request, target.upstreamName, lease.channel.info.era, logLevel);
    this.#sent = this.#base;
    this.#logLevel = logLevel;
    this.#attach(call);
  }

  get request(): CallRequest {
    return this.#request;
  }

  get asks(): OpenAsks {
    this.#asks ??= new OpenAsks();
    return this.#asks;
  }

  start(): void {
    this.#send(this.#base);
  }

  /** Next round towards a modern upstream, with what the client answered; `members` is raw JSON without braces. */
  retry(members: string): void {
    this.#send(withMembers(this.#base, members));
  }

  nextRound(): number {
    this.#rounds += 1;
    return this.#rounds;
  }

  #send(params: UpstreamParams): void {
    if (this.#call === undefined || this.#call.ended) return;
    this.#sent = params;
    const request = this.#request;
    this.#upstreamCall = this.#lease.channel.request(
      {
        method: request.method,
        name: this.#target.upstreamName ?? request.name,
        params: params.params,
        progressTokenStart: params.progressTokenStart,
        progressTokenEnd: params.progressTokenEnd,
        protocolVersion: this.#lease.channel.info.protocolVersion,
        deadlineAt: this.#call.deadlineAt,
        logLevel: this.#logLevel,
        owner: `${request.principal.tenant}\0${request.principal.id}`,
        headers: this.#target.headers,
      },
      this,
    );
    if (this.#outcome !== undefined) this.#upstreamCall = undefined;
  }

  onNotification(notification: Envelope): void {
    switch (notification.method) {
      case 'notifications/progress':
        this.#deliverProgress(notification);
        return;
      case 'notifications/message':
        if (this.#wantsLog(notification)) this.#deliver(messageOf(notification));
        return;
      case 'notifications/cancelled':
        this.#asks?.withdraw(rawRequestId(notification));
        return;
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
      case 'notifications/resources/updated':
        this.#context.onUnsolicited(this.#target.server, this.#request, notification);
        return;
      case 'notifications/elicitation/complete':
        // Modern clients learn the outcome from the retried call; they do not know this message.
        if (!isModernVersion(this.#request.protocolVersion)) this.#deliver(messageOf(notification));
        return;
      default:
        // The bridge's own signals come from the bridge alone.
        if (!notification.method.startsWith(BRIDGE_PREFIX)) this.#deliver(messageOf(notification));
    }
  }

  onServerRequest(question: Envelope, respond: RespondToUpstream): void {
    const refusal = refuseToAsk(this.#request.capabilities, question);
    if (refusal !== undefined) {
      respond('error', refusal);
      // A modern client can send the call again and declare more; a legacy one declared for good.
      if (isModernVersion(this.#request.protocolVersion))
        this.#call?.abort(missingCapability(question.method));
      return;
    }
    if (isModernVersion(this.#request.protocolVersion)) {
      this.asks.add(question, respond);
      if (this.#call !== undefined) this.#context.held.answerSoon(this);
      return;
    }
    const params = paramsOf(question);
    const undo = this.#session?.ask(this.#call, question.method, params, {
      onResult: (result) => respond('result', result),
      onError: (error) => respond('error', error),
    });
    if (undo === undefined) {
      respond('error', Buffer.from('{"code":-32603,"message":"The client cannot be asked now"}'));
      return;
    }
    this.asks.addRelayed(question, undo);
  }

  /** Lets the client of a resumable stream go for as long as the upstream is polled itself. */
  onPolling(retryMs: number): void {
    if (this.#request.replayStream === '') return;
    this.#call?.signal(notificationMessage(CLOSE_STREAM, Buffer.from(`{"retryMs":${retryMs}}`)));
  }

  mayRepeat(): boolean {
    return this.#context.mayRepeat(this.#target, this.#request);
  }

  onResult(reply: Envelope): void {
    this.#upstreamCall = undefined;
    if (reply.resultType === 'input_required' && !isModernVersion(this.#request.protocolVersion)) {
      if (this.#call !== undefined && !this.#call.ended) {
        relayInputRequired(this, this.#call, this.#session, reply);
        return;
      }
    }
    try {
      this.#context.tasks.learn(this.#target.server, this.#request, reply);
      this.#settle({ result: clientResult(this.#request, reply, this.#lease.channel.info) });
    } catch (error) {
      this.#settle({ error: BridgeError.from(error) });
    }
  }

  onError(error: BridgeError): void {
    this.#upstreamCall = undefined;
    if (error.rpcCode === HEADER_MISMATCH && error.code === 'UPSTREAM_ERROR' && !this.#relisted) {
      this.#relisted = true;
      void this.#sendRelisted(error);
      return;
    }
    this.#fail(error);
  }

  /**
   * The tool wants other headers than its list said when we last saw it; the call has not run
   * (requirement 32: list again and retry).
   */
  async #sendRelisted(mismatch: BridgeError): Promise<void> {
    const headers = await this.#context.relistHeaders(this.#target, this.#request).catch(() => undefined);
    if (this.#released) return;
    if (headers === undefined) {
      this.#fail(mismatch);
      return;
    }
    this.#target = { ...this.#target, headers };
    this.#send(this.#sent);
  }

  #fail(error: BridgeError): void {
    this.#settle({ error: clientError(this.#request, error, this.#lease.channel.info.era) });
  }

  /** Ends the client's wait with `input_required`; the upstream call goes on, held. */
  detach(result: Buffer): void {
    const call = this.#call;
    this.#call = undefined;
    call?.finish(result);
  }

  /** The client came back with answers: this call now waits for what follows. */
  resume(call: ActiveCall): void {
    this.#request = call.request;
    this.#attach(call);
    for (const message of this.#outbox.splice(0)) call.send(message);
    this.#flushOutcome();
  }

  /** Ends the waiting client call with this error, and the upstream call. */
  refuse(error: BridgeError): void {
    this.#call?.abort(error);
  }

  /** Gives the whole exchange up: nobody waits any more. */
  abandon(reason: string): void {
    this.#upstreamCall?.cancel(reason);
    this.#upstreamCall = undefined;
    this.#asks?.refuseAll(reason);
    this.#release();
  }

  get attached(): boolean {
    return this.#call !== undefined && !this.#call.ended;
  }

  #attach(call: ActiveCall): void {
    this.#call = call;
    call.onCancel((reason) => this.abandon(reason));
  }

  #settle(outcome: { result: Buffer } | { error: BridgeError }): void {
    this.#outcome = outcome;
    this.#asks?.withdrawAll('The call has ended');
    this.#release();
    this.#flushOutcome();
  }

  #flushOutcome(): void {
    const call = this.#call;
    const outcome = this.#outcome;
    if (call === undefined || outcome === undefined) return;
    this.#call = undefined;
    if ('result' in outcome) call.finish(outcome.result);
    else call.fail(outcome.error);
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#lease.release();
  }

  #deliver(message: Buffer): void {
    if (this.#call !== undefined) this.#call.send(message);
    else if (this.#outbox.length < MAX_OUTBOX) this.#outbox.push(message);
  }

  /** Puts the client's own token back in place of the channel's (requirement 51). */
  #deliverProgress(notification: Envelope): void {
    const { params, spans } = this.#request;
    if (spans.progressTokenStart < 0 || notification.progressToken.start < 0) return;
    // Between two requests of the client there is no token that it would know.
    if (this.#call === undefined) return;
    const text = params.toString('utf8', spans.progressTokenStart, spans.progressTokenEnd);
    const { start, end } = notification.progressToken;
    const offset = notification.message.start;
    this.#deliver(splice(messageOf(notification), [{ start: start - offset, end: end - offset, text }]));
  }

  /** Modern clients hear only what this request asked for, legacy ones what their session's level lets pass. */
  #wantsLog(notification: Envelope): boolean {
    const level = notification.level ?? '';
    if (isModernVersion(this.#request.protocolVersion)) {
      return this.#request.logLevel !== '' && passesLevel(level, this.#request.logLevel);
    }
    const threshold = this.#session?.logLevel ?? '';
    return threshold === '' || passesLevel(level, threshold);
  }
}

function messageOf({ bytes, message }: Envelope): Buffer {
  return bytes.subarray(message.start, message.end);
}

function paramsOf(message: Envelope): Buffer {
  return message.params.start < 0
    ? Buffer.from('{}')
    : message.bytes.subarray(message.params.start, message.params.end);
}

function rawRequestId(cancelled: Envelope): string {
  return cancelled.bytes.toString('utf8', cancelled.requestId.start, cancelled.requestId.end);
}
