import { BridgeError, notificationMessage, requestMessage } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type {
  UnsolicitedListener,
  UpstreamChannel,
  UpstreamInfo,
  UpstreamRequest,
  UpstreamSink,
} from '../channel.js';
import { Conversation, integerAt } from '../conversation.js';
import type { PlainPending } from '../conversation.js';
import { EMPTY_PARAMS, INITIALIZED } from '../handshake.js';
import { StrayMessages } from '../stray-messages.js';
import { exchangeFailure } from './exchange-failure.js';
import { paramsWithToken } from './http-call.js';
import { outcomeUnknown } from './http-channel.js';
import type { HttpChannelOptions } from './http-channel.js';
import { exchangeEndWithin } from './exchange-end.js';
import type { HttpEndpoint, Headers } from './http-endpoint.js';
import type { ExchangeEnd, HttpExchange } from './http-exchange.js';
import { scanBody } from './http-handshake.js';
import { SseStream } from './sse-stream.js';
import type { SseStart } from './sse-stream.js';

/** How long a POST may stay open once its message has been answered on the stream. */
const LINGER_MS = 2_000;
/** How long a notification may take whose arrival matters. */
const NOTIFY_TIMEOUT_MS = 2_000;

export interface SseChannelOptions extends HttpChannelOptions {
  /** The URL that this session is at. */
  readonly endpoint: HttpEndpoint;
  readonly now: () => number;
}

/** A request whose POST is under way. */
interface Post {
  readonly exchange: HttpExchange;
  timer: NodeJS.Timeout | undefined;
}

/**
 * A session with a server of the HTTP+SSE transport (2024-11-05 basic/transports): what it says comes on one event
 * stream, what we say goes to a URI that the stream named. The session is the stream, and ends with it.
 */
export class SseChannel implements UpstreamChannel {
  readonly #options: SseChannelOptions;
  readonly #conversation: Conversation;
  readonly #stream: SseStream;
  readonly #stray: StrayMessages;
  readonly #posts = new Map<number, Post>();
  #path = '';
  #info: UpstreamInfo | undefined;
  #closed = false;

  constructor(options: SseChannelOptions) {
    this.#options = options;
    const { endpoint, audience, meters } = options;
    this.#conversation = new Conversation({ audience, meters, reply: (message) => this.#tell(message) });
    this.#stray = new StrayMessages({
      ...options,
      server: endpoint.server,
      carrier: 'its event stream',
      conversation: this.#conversation,
    });
    this.#stream = new SseStream({
      endpoint,
      onMessage: (message) => this.#receive(message),
      onEnd: (end) => this.#lose(lostStream(endpoint.server, end)),
    });
    meters.connections.inc();
  }

  /** Known once the handshake is over. */
  get info(): UpstreamInfo {
    if (this.#info === undefined) throw new BridgeError('INTERNAL', 'The handshake is not over');
    return this.#info;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get inFlight(): number {
    return this.#conversation.inFlight;
  }

  /** Opens the stream; requests can be sent when it gave a path. */
  async open(timeoutMs: number): Promise<SseStart> {
    const start = await this.#stream.open(timeoutMs);
    if ('path' in start) this.#path = start.path;
    return start;
  }

  /** Ends the handshake. */
  async establish(info: UpstreamInfo): Promise<void> {
    this.#info = info;
    // Requests may overtake it otherwise. What the server answers does not matter: it is a notification.
    await exchangeEndWithin(NOTIFY_TIMEOUT_MS, (listener) => {
      const message = notificationMessage(INITIALIZED, EMPTY_PARAMS);
      return this.#options.endpoint.post(message, this.#headers(), listener, 'message', this.#path);
    });
  }

  request(request: UpstreamRequest, sink: UpstreamSink): { cancel(reason?: string): void } {
    const { endpoint, meters } = this.#options;
    if (this.#closed) {
      sink.onError(unavailable(endpoint.server, 'has no open event stream any more'));
      return { cancel: () => undefined };
    }
    const refusal = endpoint.refusal();
    if (refusal !== undefined) {
      sink.onError(refusal);
      return { cancel: () => undefined };
    }
    const pending = this.#conversation.begin(request, sink);
    const body = requestMessage(String(pending.id), request.method, paramsWithToken(request, pending.id));
    const listener = {
      onMessage: () => undefined,
      onEnd: (end: ExchangeEnd) => this.#posted(pending, end),
    };
    const exchange = endpoint.post(body, this.#headers(), listener, 'call', this.#path);
    if (this.#conversation.isInFlight(pending)) this.#posts.set(pending.id, { exchange, timer: undefined });
    meters.sent.inc();
    return { cancel: (reason) => this.#cancel(pending, reason) };
  }

  notify(method: string, params: Buffer): void {
    if (!this.#closed) this.#tell(notificationMessage(method, params));
  }

  listen(listener: UnsolicitedListener): void {
    this.#conversation.listen(listener);
  }

  /** Fails what is in flight and closes the stream, which ends the session. */
  close(): Promise<void> {
    if (!this.#closed) this.#end(unavailable(this.#options.endpoint.server, 'was closed'));
    return Promise.resolve();
  }

  #headers(): Headers {
    // The transport has no such header; the official clients send it all the same, and proxies may look for it.
    return this.#info === undefined ? [] : ['mcp-protocol-version', this.#info.protocolVersion];
  }

  /** Answers and notifications: whether they arrive nobody waits for. */
  #tell(message: Buffer): void {
    this.#options.meters.sent.inc();
    const listener = { onMessage: () => undefined, onEnd: () => undefined };
    this.#options.endpoint.post(message, this.#headers(), listener, 'message', this.#path);
  }

  /** The server has taken a request, or not. */
  #posted(pending: PlainPending, end: ExchangeEnd): void {
    this.#forgetPost(pending.id);
    pending.sent = end.sent;
    if (end.failure === undefined && end.status >= 200 && end.status < 300) return;
    const { server } = this.#options.endpoint;
    this.#conversation.fail(pending, exchangeFailure(server, end));
    if (end.status === 404) this.#lose(unavailable(server, 'does not know its own event stream any more'));
  }

  #cancel(pending: PlainPending, reason: string | undefined): void {
    if (!this.#conversation.forget(pending) || this.#closed) return;
    const post = this.#posts.get(pending.id);
    if (post !== undefined && !post.exchange.sent) {
      post.exchange.abort();
      this.#forgetPost(pending.id);
      return;
    }
    this.#letLinger(pending.id);
    // `initialize` must not be cancelled (2025-11-25 basic/utilities/cancellation).
    if (pending.method === 'initialize') return;
    const because = reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
    this.notify('notifications/cancelled', Buffer.from(`{"requestId":${pending.id}${because}}`));
  }

  #receive(message: Buffer): void {
    let envelopes: Envelope[];
    try {
      envelopes = scanBody(message, this.#options.endpoint.maxMessageBytes);
    } catch (error) {
      if (this.#stray.take(message, BridgeError.from(error))) return;
      const what = 'sends things that are no messages on its event stream';
      this.#lose(new BridgeError('UPSTREAM_PROTOCOL', `Server "${this.#options.endpoint.server}" ${what}`));
      return;
    }
    this.#stray.reset();
    for (const envelope of envelopes) {
      try {
        this.#conversation.receive(envelope, undefined);
      } catch (error) {
        this.#options.log.error({ err: error }, 'a message of the server could not be handled');
      }
      if (envelope.kind === 'result' || envelope.kind === 'error') {
        this.#letLinger(integerAt(envelope.bytes, envelope.id));
      }
    }
  }

  /** The request was answered; a POST that its server keeps open must not hold a connection for ever. */
  #letLinger(id: number): void {
    const post = this.#posts.get(id);
    if (post === undefined || post.timer !== undefined) return;
    post.timer = setTimeout(() => {
      post.exchange.abort();
      this.#posts.delete(id);
    }, LINGER_MS);
    post.timer.unref();
  }

  #forgetPost(id: number): void {
    clearTimeout(this.#posts.get(id)?.timer);
    this.#posts.delete(id);
  }

  #lose(reason: BridgeError): void {
    if (this.#closed) return;
    this.#options.log.info(reason.message);
    this.#end(reason);
    this.#options.onLost(reason);
  }

  #end(reason: BridgeError): void {
    this.#closed = true;
    this.#options.meters.connections.dec();
    this.#stream.close();
    const wasSent = (pending: PlainPending): boolean =>
      this.#posts.get(pending.id)?.exchange.sent ?? pending.sent;
    this.#conversation.close((pending) => (wasSent(pending) ? outcomeUnknown(reason) : reason), reason);
    for (const [id, { exchange }] of [...this.#posts]) {
      exchange.abort();
      this.#forgetPost(id);
    }
  }
}

function lostStream(server: string, end: ExchangeEnd): BridgeError {
  if (end.failure?.kind === 'too-large') {
    const message = `Server "${server}" sent a message longer than maxMessageBytes`;
    return new BridgeError('UPSTREAM_PROTOCOL', message);
  }
  return unavailable(server, end.failure === undefined ? 'ended its event stream' : 'lost its event stream');
}

function unavailable(server: string, what: string): BridgeError {
  return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" ${what}`);
}
