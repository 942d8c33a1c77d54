import type { Member } from '@mcp-bridge/link';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { BodyCollector } from './body-collector.js';
import { SseParser } from './sse-parser.js';

/** Of a body that is no message, this much is kept to explain the failure. */
const MAX_ERROR_BYTES = 64 * 1024;

/** How an exchange ended. */
export interface ExchangeEnd {
  /** 0 when no response came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Whole body; empty for event streams. */
  readonly body: Buffer;
  readonly isJson: boolean;
  readonly isStream: boolean;
  /** Whether any byte of the request may have reached the server. */
  readonly sent: boolean;
  /** Set when the connection failed, or the response broke a bound or the protocol. */
  readonly failure: ExchangeFailure | undefined;
  readonly lastEventId: string;
  readonly retryMs: number | undefined;
}

export type ExchangeFailure =
  | { readonly kind: 'connection'; readonly error: Error }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'encoded' };

export interface ExchangeListener {
  /** One message of an event stream. */
  onMessage(message: Buffer): void;
  /** An event of a type other than `message`. */
  onOtherEvent?(type: string, data: Buffer): void;
  /** Once, last; not after `abort`. */
  onEnd(end: ExchangeEnd): void;
  onHead?(status: number, headers: IncomingHttpHeaders): void;
}

/** Whoever lends an exchange its connection. */
export interface ExchangeKeeper {
  /** Once: with how it ended, or `undefined` when nobody wanted to know any more. */
  onSettled(exchange: HttpExchange, end: ExchangeEnd | undefined): void;
  /** It only waits for a client's answer now. */
  onWaiting(exchange: HttpExchange): void;
  /** The first event of its stream came. */
  onSpoken(exchange: HttpExchange): void;
}

/**
 * One HTTP request and its response, as undici reports them. Bodies are bounded: JSON as a whole, streams per
 * event.
 */
export class HttpExchange implements Dispatcher.DispatchHandler, Member {
  place = -1;
  #listener: ExchangeListener | undefined;
  readonly #keeper: ExchangeKeeper | undefined;
  readonly #maxBytes: number;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #sse: SseParser | undefined;
  #isJson = false;
  #body: BodyCollector | undefined;
  #bodyBytes = 0;
  #hasSpoken = false;
  #looks = 0;

  constructor(maxBytes: number, listener: ExchangeListener, keeper?: ExchangeKeeper) {
    this.#maxBytes = maxBytes;
    this.#listener = listener;
    this.#keeper = keeper;
  }

  /** It has ended, or was given up. */
  get settled(): boolean {
    return this.#listener === undefined;
  }

  get lastEventId(): string {
    return this.#sse?.lastEventId ?? '';
  }

  /** Whether any byte of the request may have reached the server. */
  get sent(): boolean {
    return this.#controller !== undefined;
  }

  /** How often this was asked since its response, or the last part of its stream, came. */
  lookAgain(): number {
    this.#looks += 1;
    return this.#looks;
  }

  /** Ends it now, also when it still waits for a connection; the listener hears nothing more. */
  abort(): void {
    if (this.#listener === undefined) return;
    this.#listener = undefined;
    this.#sse?.stop();
    this.#controller?.abort(ABORTED);
    this.#keeper?.onSettled(this, undefined);
  }

  /** Ends it as a broken connection would. */
  fail(error: Error): void {
    this.#end({ kind: 'connection', error });
    this.#controller?.abort(ABORTED);
  }

  /** Nothing will come before a client has answered the server's question. */
  waitForClient(): void {
    if (!this.settled) this.#keeper?.onWaiting(this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#listener === undefined) controller.abort(ABORTED);
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#looks = 0;
    const type = headers['content-type'] ?? '';
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity' && encoding !== '') return this.#fail({ kind: 'encoded' });
    if (/^text\/event-stream\s*(?:;|$)/i.test(type)) this.#sse = this.#parser();
    else this.#isJson = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type);
    this.#listener?.onHead?.(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#listener === undefined) return;
    this.#looks = 0;
    if (this.#sse !== undefined) return this.#sse.push(chunk);
    this.#bodyBytes += chunk.length;
    const bound = this.#isJson ? this.#maxBytes : MAX_ERROR_BYTES;
    if (this.#bodyBytes > bound) return this.#isJson ? this.#fail({ kind: 'too-large' }) : undefined;
    this.#body ??= new BodyCollector(this.#announcedBytes(bound));
    this.#body.add(chunk);
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ kind: 'connection', error });
  }

  /** 0 when the length was not announced, or is not to be believed. */
  #announcedBytes(bound: number): number {
    const announced = Number(this.#headers['content-length'] ?? 0);
    return announced <= bound ? announced : 0;
  }

  #parser(): SseParser {
    return new SseParser(this.#maxBytes, {
      onEvent: (data) => {
        if (!this.#hasSpoken) this.#keeper?.onSpoken(this);
        this.#hasSpoken = true;
        this.#listener?.onMessage(data);
      },
      onOtherEvent: (type, data) => this.#listener?.onOtherEvent?.(type, data),
      onOverflow: () => this.#fail({ kind: 'too-large' }),
    });
  }

  #fail(failure: ExchangeFailure): void {
    this.#end(failure);
    this.#controller?.abort(ABORTED);
  }

  #end(failure: ExchangeFailure | undefined): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    const end: ExchangeEnd = {
      status: this.#status,
      headers: this.#headers,
      body: this.#body?.take() ?? NOTHING,
      isJson: this.#isJson,
      isStream: this.#sse !== undefined,
      sent: this.sent,
      failure,
      lastEventId: this.lastEventId,
      retryMs: this.#sse?.retryMs,
    };
    this.#keeper?.onSettled(this, end);
    listener.onEnd(end);
  }
}

const NOTHING = Buffer.alloc(0);
const ABORTED = new Error('no longer wanted');
