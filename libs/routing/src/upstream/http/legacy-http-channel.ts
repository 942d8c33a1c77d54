import { BridgeError, notificationMessage, requestMessage } from '@mcp-bridge/protocol';
import type { UpstreamInfo } from '../channel.js';
import { EMPTY_PARAMS, INITIALIZED } from '../handshake.js';
import { GeneralStream } from './general-stream.js';
import { HttpChannel } from './http-channel.js';
import type { HttpChannelOptions } from './http-channel.js';
import type { HttpCall } from './http-call.js';
import { exchangeEnd, exchangeEndWithin } from './exchange-end.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { ExchangeEnd } from './http-exchange.js';
import { initialize, scanBody } from './http-handshake.js';
import type { LegacySession } from './http-handshake.js';

/** How long goodbyes, and questions whether a session still lives, may take. */
const SHORT_TIMEOUT_MS = 2_000;
/** Id of our own pings; calls count up from 1 and handshakes use 0. */
const PING = requestMessage('"bridge-ping"', 'ping', EMPTY_PARAMS);

export interface LegacyHttpChannelOptions extends HttpChannelOptions {
  readonly startTimeoutMs: number;
}

/**
 * A session with a server of 2025-03-26 to 2025-11-25, at the URL where it began; made anew when the server forgets
 * it, and at another URL when its own is out.
 */
export class LegacyHttpChannel extends HttpChannel {
  readonly #startTimeoutMs: number;
  #session: LegacySession;
  #stream: GeneralStream | undefined;
  #renewing: Promise<void> | undefined;

  constructor(options: LegacyHttpChannelOptions, session: LegacySession) {
    super(options);
    this.#startTimeoutMs = options.startTimeoutMs;
    this.#session = session;
  }

  get info(): UpstreamInfo {
    return this.#session.info;
  }

  /** Ends the handshake and opens the general stream. */
  async start(): Promise<void> {
    const initialized = notificationMessage(INITIALIZED, EMPTY_PARAMS);
    // Requests may overtake it otherwise. What the server answers does not matter: it is a notification.
    const session = this.#session;
    const headers = (): Headers => headersOf(session);
    await exchangeEndWithin(SHORT_TIMEOUT_MS, (listener) =>
      session.endpoint.post(initialized, headers(), listener, 'message'),
    );
    this.#stream = new GeneralStream({
      endpoint: session.endpoint,
      headers,
      onMessage: (message) => this.#receive(message),
      onSessionLost: () => void this.#renew(),
    });
    if (!this.closed) this.#stream.open();
  }

  notify(method: string, params: Buffer): void {
    if (!this.closed) this.reply(notificationMessage(method, params), undefined);
  }

  /** Answers and notifications: whether they arrive nobody waits for. */
  protected reply(message: Buffer, call: HttpCall | undefined): void {
    const session = this.#sessionOf(call);
    exchangeEnd((listener) => session.endpoint.post(message, headersOf(session), listener, 'message'));
  }

  get resumable(): boolean {
    return true;
  }

  headersFor(call: HttpCall): Headers {
    return headersOf(this.#sessionOf(call));
  }

  pick(): HttpEndpoint {
    return this.#session.endpoint;
  }

  protected begin(call: HttpCall): void {
    const { endpoints } = this;
    if (endpoints.several && !this.#session.endpoint.admits && endpoints.admits) void this.#renew();
    if (this.#renewing !== undefined) {
      void this.#renewing.then(() => this.#send(call));
      return;
    }
    this.#send(call);
  }

  #send(call: HttpCall): void {
    call.session = this.#session;
    call.send(this.#session.endpoint);
  }

  /** The session that a call began in: what belongs to it goes there, also when there is another one by now. */
  #sessionOf(call: HttpCall | undefined): LegacySession {
    return call?.session ?? this.#session;
  }

  /**
   * 404 means that the session is gone and the request was not executed: one more attempt, in a fresh session.
   * Many servers answer 400 instead; then a ping tells whether it was the session.
   */
  intercept(call: HttpCall, end: ExchangeEnd): boolean {
    const { session } = call;
    if (session === undefined || session.session === '' || call.hasNewSession) return false;
    if (end.status === 404) {
      this.#retryIn(call, session);
      return true;
    }
    if (end.status !== 400) return false;
    void this.#isLost(session).then((lost) => (lost ? this.#retryIn(call, session) : call.reject(end)));
    return true;
  }

  cancelled(call: HttpCall, reason: string | undefined): void {
    if (!call.sent) return;
    const because = reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
    const params = Buffer.from(`{"requestId":${call.id}${because}}`);
    this.reply(notificationMessage('notifications/cancelled', params), call);
  }

  protected override end(reason: BridgeError): void {
    this.#stream?.close();
    super.end(reason);
  }

  protected async farewell(): Promise<void> {
    const session = this.#session;
    if (session.session === '') return;
    await exchangeEndWithin(SHORT_TIMEOUT_MS, (listener) =>
      session.endpoint.delete(headersOf(session), listener),
    );
  }

  #retryIn(call: HttpCall, lost: LegacySession): void {
    call.hasNewSession = true;
    const renewed = this.#session === lost ? this.#renew() : Promise.resolve();
    void renewed.then(() => this.#send(call));
  }

  /** One fresh session for all who wait for it. Never rejects: when it fails the channel is lost. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#replaceSession().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #replaceSession(): Promise<void> {
    if (this.closed) return;
    this.#stream?.close();
    try {
      const { declaration, affinity } = this.options;
      const { endpoint: last } = this.#session;
      const endpoint = last.admits ? last : this.endpoints.pick(affinity);
      const fresh = await initialize(endpoint, declaration, this.#startTimeoutMs);
      if ('refusal' in fresh) throw fresh.refusal;
      this.#session = fresh;
      await this.start();
    } catch (error) {
      this.lose(BridgeError.from(error));
      return;
    }
    this.log.info('the session with the server was lost; made a new one');
    // Its requests go out before those that wait for this promise.
    this.#renewing = undefined;
    this.conversation.listener?.onReset?.();
  }

  async #isLost(session: LegacySession): Promise<boolean> {
    if (this.#session !== session) return true;
    const end = await exchangeEndWithin(SHORT_TIMEOUT_MS, (listener) =>
      session.endpoint.post(PING, headersOf(session), listener, 'message'),
    );
    return end !== undefined && (end.status === 404 || end.status === 400);
  }

  #receive(message: Buffer): void {
    try {
      for (const envelope of scanBody(message, this.endpoints.maxMessageBytes)) {
        this.conversation.receive(envelope, undefined);
      }
    } catch (error) {
      this.meters.dropped('malformed');
      this.log.warn({ err: error }, 'a message on the general stream could not be handled');
    }
  }
}

function headersOf({ info, session }: LegacySession): Headers {
  const version = ['mcp-protocol-version', info.protocolVersion];
  return session === '' ? version : [...version, 'mcp-session-id', session];
}
