import type { CallHandle, CallRequest, CallSink, Link, Principal } from '@mcp-bridge/link';
import { type BridgeError, errorReply, resultHead } from '@mcp-bridge/protocol';
import { isEndless } from '../calls/call-request.js';
import { eventFrame } from './event-frame.js';
import type { OpenStream, OpenStreams } from './open-streams.js';
import type { HttpReply, ReplyOwner } from './reply.js';
import { modernCallStatus } from './status.js';

export interface ModernCallOptions {
  readonly link: Link;
  readonly streams: OpenStreams;
  /** A reply that is not there after this becomes an event stream, so that comments keep the connection open. */
  readonly quietMs: number;
}

/**
 * One request of a 2026-07-28 client: a JSON object when the result comes first, an event stream when a message
 * does. The client that goes away cancels it.
 */
export class ModernCall implements CallSink, ReplyOwner, OpenStream {
  readonly session = '';
  readonly principal: Principal;
  readonly #reply: HttpReply;
  readonly #id: string;
  readonly #options: ModernCallOptions;
  readonly #endless: boolean;
  #handle: CallHandle | undefined = undefined;

  constructor(reply: HttpReply, request: CallRequest, options: ModernCallOptions) {
    this.principal = request.principal;
    this.#reply = reply;
    this.#id = request.clientRequestId;
    this.#options = options;
    this.#endless = isEndless(request.method);
    reply.owner = this;
    reply.watch(options.quietMs);
    if (this.#endless) options.streams.add(this);
    this.#handle = options.link.call(request, this);
  }

  onMessage(message: Buffer): void {
    const frame = eventFrame('', '', message, '');
    if (this.#reply.open) this.#reply.openEvents(frame);
    else this.#reply.event(frame);
  }

  onResult(result: Buffer): void {
    this.#forget();
    if (this.#reply.open) {
      this.#reply.result(this.#id, result);
      return;
    }
    this.#reply.event(eventFrame('', resultHead(this.#id), result, '}'));
    this.#reply.endEvents('ok');
  }

  onResultInParts(parts: readonly Buffer[]): void {
    if (!this.#reply.open) return this.onResult(Buffer.concat(parts));
    this.#forget();
    this.#reply.resultInParts(this.#id, parts);
  }

  onError(error: BridgeError): void {
    this.#forget();
    if (this.#reply.open) {
      this.#reply.refuse(error, this.#id, modernCallStatus(error));
    } else if (this.#endless && error.code === 'DRAINING') {
      this.#writeGracefulEnd();
    } else {
      this.#reply.event(eventFrame('', '', errorReply(this.#id, error), ''));
      this.#reply.endEvents('error');
    }
  }

  clientGone(): void {
    this.#forget();
    this.#handle?.cancel('client');
  }

  quiet(): void {
    this.#reply.openEvents();
  }

  endGracefully(): void {
    this.#forget();
    this.#handle?.cancel('client');
    this.#writeGracefulEnd();
  }

  /** 2026-07-28 basic/patterns/subscriptions, "Graceful Closure". */
  #writeGracefulEnd(): void {
    const id = this.#id;
    const meta = `{"io.modelcontextprotocol/subscriptionId":${id}}`;
    const result = `{"resultType":"complete","_meta":${meta}}`;
    const message = Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`, 'utf8');
    if (this.#reply.open) this.#reply.json(200, message, 'ok');
    this.#reply.event(eventFrame('', '', message, ''));
    this.#reply.endEvents('ok');
  }

  #forget(): void {
    if (this.#endless) this.#options.streams.remove(this);
  }
}
