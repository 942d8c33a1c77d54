import { type DeadlineWheel, DeadlineEntry } from '@mcp-bridge/link';
import type { OutcomeLabel } from '@mcp-bridge/metrics';
import { type BridgeError, errorReply, ERRORS, resultHead, writeResultReply } from '@mcp-bridge/protocol';
import type { HttpResponse } from 'uWebSockets.js';
import { COMMENT_FRAME, retryFrame } from './event-frame.js';
import { BodyOutflow, EventQueue, type Outflow } from './outflow.js';
import { statusLine } from './status.js';

/** What the replies of one gateway share. */
export interface ReplyHost {
  readonly wheel: DeadlineWheel;
  /** Quiet time after which a stream gets a comment. */
  readonly keepAliveMs: number;
  /** Unwritten bytes of one stream after which its client is cut off. */
  readonly maxBufferedBytes: number;
  began(): void;
  /** Called once per reply, after it was handed over whole or its client has gone. */
  finished(reply: HttpReply, outcome: OutcomeLabel): void;
  wrote(bytes: number): void;
  streamOpened(): void;
  streamClosed(): void;
}

/** Hears what happens to a reply that it has not finished. */
export interface ReplyOwner {
  /** The client closed the connection, or was cut off. The reply takes nothing more. */
  clientGone(): void;
  /** Nothing was sent until the time given to `watch`. */
  quiet(): void;
}

/** Bodies up to this size are handed to uWebSockets.js whole, which copies what the socket does not take. */
const LARGE_BODY_BYTES = 64 * 1024;
/** For small replies, which uWebSockets.js copies before it returns. */
const scratch = Buffer.allocUnsafe(LARGE_BODY_BYTES);
const CLOSING_BRACE = Buffer.from('}');
/** A client that takes nothing for this long, with data waiting, is cut off. */
const STALL_MS = 60_000;
/** How often a large body on its way is looked at. */
const STALL_CHECK_MS = 15_000;

/** `ending`: all was said, the rest is on its way to a slow client. */
type ReplyState = 'open' | 'streaming' | 'ending' | 'finished';

/**
 * The reply to one HTTP request, and the only code that touches a uWebSockets.js response: after an abort or an
 * end, touching it throws. What comes too late does nothing.
 */
export class HttpReply extends DeadlineEntry {
  /** Origin of the page that may read the reply, `''` for none. */
  corsOrigin = '';
  /** The JSON-RPC method, for metrics. */
  method = '';
  /** The connection ends with this reply. */
  closeConnection = false;
  /** It answers HEAD: a body would be taken for the next reply (RFC 9110, 9.3.2). */
  bodyless = false;
  /** False when its owner counts what it carries. */
  counted = true;
  owner: ReplyOwner | undefined = undefined;
  /** Monotonic milliseconds, by the clock of the wheel. */
  readonly startedAt: number;
  readonly #res: HttpResponse;
  readonly #host: ReplyHost;
  #state: ReplyState = 'open';
  #headers: string[] | undefined = undefined;
  #events: EventQueue | undefined = undefined;
  #outflow: Outflow | undefined = undefined;
  #outcome: OutcomeLabel = 'ok';
  #lastEventAt = 0;

  constructor(res: HttpResponse, host: ReplyHost) {
    super();
    this.#res = res;
    this.#host = host;
    this.startedAt = host.wheel.now();
    host.began();
    res.onAborted(() => this.#aborted());
  }

  /** Nothing was sent yet. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** An event stream is open. */
  get streaming(): boolean {
    return this.#state === 'streaming';
  }

  /** Adds a header to whatever is sent. */
  header(name: string, value: string): void {
    (this.#headers ??= []).push(name, value);
  }

  /** Calls the owner's `quiet` when nothing was sent within `delayMs` from the beginning. */
  watch(delayMs: number): void {
    // The clock of the wheel: reading it again would cost as much as the rest of this.
    if (this.#state === 'open') this.#host.wheel.add(this, this.startedAt + delayMs);
  }

  /**
   * Sends a result as the whole reply.
   * @param id - raw JSON of the request's id
   * @param result - raw JSON of the result
   */
  result(id: string, result: Buffer): void {
    const length = writeResultReply(scratch, id, result);
    if (length >= 0) this.json(200, scratch.subarray(0, length), 'ok');
    else this.resultInParts(id, [result]);
  }

  /** Sends a large result as the whole reply; its parts are written as they are. */
  resultInParts(id: string, parts: readonly Buffer[]): void {
    this.#sendLarge(200, [Buffer.from(resultHead(id), 'utf8'), ...parts, CLOSING_BRACE], 'ok');
  }

  /** Sends the whole reply. */
  json(status: number, body: Buffer, outcome: OutcomeLabel): void {
    if (body.length > LARGE_BODY_BYTES) {
      this.#sendLarge(status, [body], outcome);
      return;
    }
    if (!this.#takesBody(status, outcome)) return;
    if (this.counted) this.#host.wrote(body.length);
    this.#res.cork(() => {
      this.#writeHead(status, 'application/json');
      this.#res.end(body, this.closeConnection);
    });
    this.#settle(outcome);
  }

  /** Sends a status without a body. */
  empty(status: number, outcome: OutcomeLabel = 'ok'): void {
    if (this.#state !== 'open') return;
    this.#res.cork(() => {
      this.#writeHead(status, '');
      if (status === 204) this.#res.endWithoutBody();
      else this.#res.end();
    });
    this.#settle(outcome);
  }

  /**
   * Answers with a JSON-RPC error.
   * @param id - raw JSON of the request's id; undefined where it is not known
   * @param status - by the error table unless told
   */
  refuse(error: BridgeError, id?: string, status: number = ERRORS[error.code].http): void {
    if (ERRORS[error.code].retry && status === 503) this.header('Retry-After', '1');
    this.json(status, errorReply(id, error), 'error');
  }

  /** Begins an event stream with this frame. */
  openEvents(first: Buffer = COMMENT_FRAME): void {
    if (this.#state !== 'open') return;
    this.#state = 'streaming';
    if (this.counted) this.#host.streamOpened();
    this.#events = new EventQueue(this.#res, this.#host.maxBufferedBytes, this.#host.wheel.now);
    this.#follow(this.#events);
    this.#res.cork(() => {
      this.#writeHead(200, 'text/event-stream');
      this.#res.writeHeader('Cache-Control', 'no-cache, no-transform').writeHeader('X-Accel-Buffering', 'no');
      this.event(first);
    });
    this.#host.wheel.add(this, this.#host.wheel.now() + this.#host.keepAliveMs);
  }

  /** Sends one event frame. A client that lets more than the bound pile up is cut off. */
  event(frame: Buffer): void {
    if (this.#state !== 'streaming') return;
    if (this.counted) this.#host.wrote(frame.length);
    this.#lastEventAt = this.#host.wheel.now();
    if (this.#events?.push(frame) === false) this.cut();
  }

  /** Ends the stream after what was sent. */
  endEvents(outcome: OutcomeLabel): void {
    if (this.#state !== 'streaming') return;
    if (this.counted) this.#host.streamClosed();
    this.#state = 'ending';
    this.#outcome = outcome;
    this.owner = undefined;
    if (this.#outflow?.empty === true) this.#endStream();
  }

  /** Ends the connection but not the stream: the client comes back for the rest after `retryMs`. */
  endForPolling(retryMs: number): void {
    this.event(retryFrame(retryMs));
    this.endEvents('ok');
  }

  /** Cuts the connection. */
  cut(): void {
    if (this.#state !== 'finished') this.#res.close();
  }

  /** For the deadline wheel. */
  override onDeadline(): void {
    if (this.#state === 'open') {
      this.owner?.quiet();
      return;
    }
    if (this.#state === 'finished') return;
    const { wheel, keepAliveMs } = this.#host;
    const now = wheel.now();
    const stalledSince = this.#outflow?.stalledSince ?? 0;
    if (stalledSince > 0) {
      if (now - stalledSince > STALL_MS) this.cut();
      else wheel.add(this, now + STALL_CHECK_MS);
      return;
    }
    if (now - this.#lastEventAt >= keepAliveMs) this.event(COMMENT_FRAME);
    wheel.add(this, this.#lastEventAt + keepAliveMs);
  }

  /** False when something was sent already, or the reply has no body and is sent without. */
  #takesBody(status: number, outcome: OutcomeLabel): boolean {
    if (this.#state !== 'open') return false;
    if (this.bodyless) this.empty(status, outcome);
    return !this.bodyless;
  }

  #sendLarge(status: number, parts: readonly Buffer[], outcome: OutcomeLabel): void {
    if (!this.#takesBody(status, outcome)) return;
    this.#state = 'ending';
    this.#outcome = outcome;
    this.owner = undefined;
    const outflow = new BodyOutflow(this.#res, parts, this.#host.wheel.now);
    if (this.counted) this.#host.wrote(outflow.bytes);
    this.#follow(outflow);
    this.#res.cork(() => {
      this.#writeHead(status, 'application/json');
      outflow.start();
    });
    if (outflow.empty) this.#settle(outcome);
    else this.#host.wheel.add(this, this.#host.wheel.now() + STALL_CHECK_MS);
  }

  #follow(outflow: Outflow): void {
    this.#outflow = outflow;
    this.#res.onWritable((offset) => {
      if (this.#state === 'finished') return true;
      outflow.writable(offset);
      if (this.#state === 'ending' && outflow.empty) {
        if (outflow === this.#events) this.#endStream();
        else this.#settle(this.#outcome);
      }
      return true;
    });
  }

  #endStream(): void {
    this.#res.cork(() => {
      this.#res.end();
    });
    this.#settle(this.#outcome);
  }

  #aborted(): void {
    if (this.#state === 'finished') return;
    if (this.#state === 'streaming' && this.counted) this.#host.streamClosed();
    const { owner } = this;
    this.#settle('cancelled');
    owner?.clientGone();
  }

  #settle(outcome: OutcomeLabel): void {
    this.#state = 'finished';
    this.#host.wheel.remove(this);
    this.owner = undefined;
    this.#host.finished(this, outcome);
  }

  #writeHead(status: number, contentType: string): void {
    const res = this.#res;
    if (status !== 200) res.writeStatus(statusLine(status));
    if (contentType !== '') res.writeHeader('Content-Type', contentType);
    if (this.corsOrigin !== '') {
      res
        .writeHeader('Access-Control-Allow-Origin', this.corsOrigin)
        .writeHeader('Access-Control-Expose-Headers', 'Mcp-Session-Id, WWW-Authenticate, Retry-After')
        .writeHeader('Vary', 'Origin');
    }
    const headers = this.#headers;
    if (headers === undefined) return;
    for (let at = 0; at + 1 < headers.length; at += 2) {
      res.writeHeader(headers[at] ?? '', headers[at + 1] ?? '');
    }
  }
}
