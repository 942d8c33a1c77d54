import type { Readable, Writable } from 'node:stream';
import { lineOf, MessageLines } from '@mcp-bridge/edge';
import {
  BridgeError,
  canonicalId,
  type Envelope,
  errorReply,
  isBatch,
  notificationMessage,
  rawText,
  readableId,
  scanEnvelope,
  scanMessages,
  type Span,
} from '@mcp-bridge/protocol';
import type { Logger } from '@mcp-bridge/service';
import { BridgeSocket, type BridgeSocketOwner } from './bridge-socket.js';
import { SessionMemory } from './session-memory.js';

export interface RelayOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** `ws:` or `wss:` */
  readonly url: URL;
  /** API key, `''` for none. */
  readonly key: string;
  readonly log: Logger;
}

/** How a relay ended: the client left, or the bridge refuses it. */
export type RelayEnd = { readonly refused: string } | undefined;

interface Asked {
  /** Raw JSON of the id. */
  readonly id: string;
  /** The id in the form that compares equal for equal ids. */
  readonly key: string;
  readonly method: string;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly requests: readonly Asked[];
}

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** What may wait for a connection. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** How long a request waits for one, and what a client that ended its side may still wait for. */
const PATIENCE_MS = 10_000;
const END_GRACE_MS = 10_000;
/** Unsent bytes at which the client is read no more. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * Carries the lines of a client that can only spawn a command to a running bridge, and back, unchanged. A lost
 * connection fails what was in flight with OUTCOME_UNKNOWN (it may have run), and is made again: stateless
 * requests just go on, a legacy session is begun anew without its client's doing.
 */
export class Relay implements BridgeSocketOwner {
  /** Resolves when nothing is left to carry. */
  readonly ended: Promise<RelayEnd>;
  readonly #options: RelayOptions;
  readonly #socket: BridgeSocket;
  readonly #session = new SessionMemory();
  /** Sent and not answered, by canonical id. */
  readonly #inFlight = new Map<string, Asked>();
  /** Requests of the server that the client has not answered. */
  readonly #askedOfClient = new Map<string, string>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Connected, and the session, if there is one, has begun again. */
  #ready = false;
  #downSince = performance.now();
  #inputEnded = false;
  /** Own requests whose replies are not the client's business, by canonical id. */
  readonly #own = new Set<string>();
  #ownCount = 0;
  #resolveEnded: (end: RelayEnd) => void = () => undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const { input, output } = options;
    const lines = new MessageLines(MAX_MESSAGE_BYTES, {
      onLine: (line) => this.#fromClient(line),
      onLongLine: () => this.#write(errorReply(undefined, new BridgeError('PAYLOAD_TOO_LARGE', 'Too large'))),
    });
    input.on('data', (chunk: Buffer) => lines.push(chunk));
    input.on('end', () => {
      lines.end();
      this.#inputEnded = true;
      setTimeout(() => this.#end(), END_GRACE_MS).unref();
      this.#endWhenIdle();
    });
    output.on('drain', () => this.#socket.resume());
    for (const stream of [input, output]) stream.on('error', () => this.#end());
    this.#socket = new BridgeSocket(options, this);
  }

  /** Ends now: what is in flight is cancelled at the bridge by the end of the connection. */
  close(): void {
    this.#end();
  }

  onOpen(): void {
    const id = this.#ownId();
    const again = this.#session.initialize(id);
    if (again === undefined) this.#begin();
    else this.#sendOwn(id, again);
  }

  onMessage(message: Buffer): void {
    let envelopes: readonly Envelope[];
    try {
      const limits = { maxBytes: MAX_MESSAGE_BYTES };
      envelopes = isBatch(message) ? scanMessages(message, limits) : [scanEnvelope(message, limits)];
    } catch (error) {
      this.#options.log.error({ err: error }, 'the bridge sent what is no message');
      return;
    }
    for (const envelope of envelopes) if (this.#isOwn(envelope)) return;
    this.#write(message);
    this.#endWhenIdle();
  }

  onDown(why: string): void {
    if (this.#ready) this.#downSince = performance.now();
    this.#ready = false;
    this.#own.clear();
    this.#failInFlight(why);
    if (performance.now() - this.#downSince > PATIENCE_MS) this.#failWaiting(why);
    this.#endWhenIdle();
  }

  onRefused(why: string): void {
    this.#failInFlight(why);
    this.#failWaiting(why);
    this.#end({ refused: why });
  }

  #fromClient(line: Buffer): void {
    let envelopes: readonly Envelope[];
    try {
      const limits = { maxBytes: MAX_MESSAGE_BYTES };
      envelopes = isBatch(line) ? scanMessages(line, limits) : [scanEnvelope(line, limits)];
    } catch (error) {
      this.#write(errorReply(readableId(line), BridgeError.from(error)));
      return;
    }
    const requests: Asked[] = [];
    for (const envelope of envelopes) {
      const { kind, method } = envelope;
      this.#session.sent(envelope);
      if (kind === 'request') requests.push({ ...idOf(envelope, envelope.id), method });
      else if (kind !== 'notification') this.#askedOfClient.delete(idOf(envelope, envelope.id).key);
      else if (method === 'notifications/cancelled' && this.#cancel(envelope)) return;
    }
    if (this.#ready && this.#socket.open) this.#send({ bytes: line, requests });
    else this.#hold({ bytes: line, requests });
  }

  /** True when the request was never sent: then the bridge need not hear of either. */
  #cancel(envelope: Envelope): boolean {
    const { key } = idOf(envelope, envelope.requestId);
    this.#inFlight.delete(key);
    const before = this.#waiting.length;
    const isCancelled = ({ requests }: Waiting): boolean => requests.length === 1 && requests[0]?.key === key;
    this.#waiting = this.#waiting.filter((message) => !isCancelled(message));
    this.#waitingBytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return this.#waiting.length < before;
  }

  #send(message: Waiting): void {
    for (const asked of message.requests) this.#inFlight.set(asked.key, asked);
    this.#socket.send(message.bytes, () => {
      if (this.#socket.bufferedBytes <= HIGH_WATER_BYTES) this.#options.input.resume();
    });
    if (this.#socket.bufferedBytes > HIGH_WATER_BYTES) this.#options.input.pause();
  }

  #hold(message: Waiting): void {
    const size = this.#waitingBytes + message.bytes.length;
    if (this.#waiting.length >= MAX_WAITING || size > MAX_WAITING_BYTES) {
      const error = new BridgeError(
        'OVERLOADED',
        'Too much waits for the connection to the bridge; try later',
      );
      for (const { id } of message.requests) this.#write(errorReply(id, error));
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes = size;
  }

  /** The session, if there is one, has begun: what waited goes out. */
  #begin(): void {
    this.#ready = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const message of waiting) this.#send(message);
  }

  /** Notes what a message of the bridge ends or begins; true when it answers the relay itself. */
  #isOwn(envelope: Envelope): boolean {
    const { kind } = envelope;
    if (kind === 'notification') return false;
    const { id, key } = idOf(envelope, envelope.id);
    if (kind === 'request') {
      this.#askedOfClient.set(key, id);
      return false;
    }
    if (this.#own.delete(key)) {
      if (!this.#ready) this.#sessionAnswered(envelope);
      return true;
    }
    const asked = this.#inFlight.get(key);
    this.#inFlight.delete(key);
    if (asked !== undefined) this.#session.answered(asked.method, envelope);
    return false;
  }

  #sessionAnswered(reply: Envelope): void {
    if (reply.kind === 'error') {
      const why = rawText(reply.bytes, reply.error);
      this.#options.log.error({ why }, 'the bridge does not begin the session again');
      this.#socket.restart();
      return;
    }
    const ids: string[] = [];
    const messages = this.#session.followUp(() => {
      const id = this.#ownId();
      ids.push(id);
      return id;
    });
    for (const id of ids) this.#own.add(id);
    for (const message of messages) this.#socket.send(message, () => undefined);
    this.#begin();
  }

  #sendOwn(id: string, message: Buffer): void {
    this.#own.add(id);
    this.#socket.send(message, () => undefined);
  }

  #ownId(): string {
    this.#ownCount += 1;
    return `"mcp-bridge-relay-${process.pid}-${this.#ownCount}"`;
  }

  #failInFlight(why: string): void {
    const inFlight = [...this.#inFlight.values()];
    this.#inFlight.clear();
    for (const { id, key, method } of inFlight) {
      const initialize = method === 'initialize' ? this.#session.unanswered() : undefined;
      // To begin a session twice does no harm: its client has not heard of the first one.
      if (initialize !== undefined)
        this.#waiting.unshift({ bytes: initialize, requests: [{ id, key, method }] });
      else this.#write(errorReply(id, lost(method, why)));
    }
    for (const id of this.#askedOfClient.values()) {
      const params = Buffer.from(`{"requestId":${id},"reason":"The connection was lost"}`);
      this.#write(notificationMessage('notifications/cancelled', params));
    }
    this.#askedOfClient.clear();
  }

  #failWaiting(why: string): void {
    const error = new BridgeError('UPSTREAM_UNAVAILABLE', `The bridge cannot be reached: ${why}`);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { requests } of waiting) for (const { id } of requests) this.#write(errorReply(id, error));
  }

  #write(message: Buffer): void {
    if (!this.#options.output.write(lineOf(message))) this.#socket.pause();
  }

  #endWhenIdle(): void {
    if (this.#inputEnded && this.#inFlight.size === 0 && this.#waiting.length === 0) this.#end();
  }

  #end(end?: RelayEnd): void {
    const { input, output } = this.#options;
    input.pause();
    this.#socket.close();
    output.end(() => this.#resolveEnded(end));
  }
}

/** What a request in flight comes to. A listen has not "run": it can be opened again. */
function lost(method: string, why: string): BridgeError {
  return method === 'subscriptions/listen'
    ? new BridgeError('UPSTREAM_UNAVAILABLE', `The connection to the bridge was lost: ${why}`)
    : new BridgeError(
        'OUTCOME_UNKNOWN',
        `The connection to the bridge was lost, the call may have run: ${why}`,
      );
}

function idOf(envelope: Envelope, span: Span): { id: string; key: string } {
  if (span.start < 0) return { id: '', key: '' };
  return { id: rawText(envelope.bytes, span), key: canonicalId(envelope.bytes, span) };
}
