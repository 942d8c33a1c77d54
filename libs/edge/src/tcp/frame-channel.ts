import {
  arrayItems,
  BridgeError,
  creditCost,
  encodeCredit,
  encodeFatalError,
  encodeGoaway,
  encodePing,
  encodeWelcome,
  errorReply,
  FRAME_ENCODING,
  FRAME_KIND,
  FrameDecoder,
  type FrameEncoding,
  type FrameKind,
  type FrameReceiver,
  isBatch,
  jsonToMsgpack,
  msgpackToJson,
  parseCredit,
  parseHello,
  rawBytes,
  rawText,
  scanEnvelope,
} from '@mcp-bridge/protocol';
import type { Conversation } from '../channels/conversation.js';
import type { CloseReason, MessagePipe } from '../channels/message-pipe.js';
import { admitClient, leaving, RETRY_AFTER_MS } from './admit-client.js';
import { CreditedOutbox } from './credited-outbox.js';
import type { TcpConnection } from './tcp-connection.js';
import type { TcpChannel, TcpHost } from './tcp-host.js';
import { substitutesFor, tooLongFor } from './unsendable.js';

/** What a client may send before it gets credit back. */
const WINDOW_BYTES = 1024 * 1024;
/** Credit goes back in pieces of this size at least. */
const CREDIT_PIECE_BYTES = WINDOW_BYTES / 4;
/** A client that was told GOAWAY has this long to close its side after its last reply. */
const LINGER_MS = 1_000;
const PING_TOKEN = Buffer.alloc(8);

/** `leaving`: all is answered, and the client knows that it may close. */
type FrameState = 'hello' | 'open' | 'leaving' | 'closed';

/** The framed mode of one connection (libs/protocol/README.md, "Binary TCP"). */
export class FrameChannel implements TcpChannel, MessagePipe, FrameReceiver {
  readonly #host: TcpHost;
  readonly #connection: TcpConnection;
  readonly #decoder: FrameDecoder;
  readonly #outbox: CreditedOutbox;
  #state: FrameState = 'hello';
  #conversation: Conversation | undefined = undefined;
  #clientMaxFrameBytes = 0;
  /** What the client may send. */
  #clientCredit = WINDOW_BYTES;
  /** What of it was dealt with and not given back yet. */
  #owedCredit = 0;
  #saidGoaway = false;

  constructor(host: TcpHost, connection: TcpConnection) {
    this.#host = host;
    this.#connection = connection;
    this.#decoder = new FrameDecoder(this, host.maxFrameBytes);
    this.#outbox = new CreditedOutbox(connection.writer, FRAME_ENCODING.JSON, 0);
    connection.writer.onIdle = () => this.#giveCreditBack();
  }

  receive(chunk: Buffer): void {
    this.#decoder.push(chunk);
  }

  onFrame(kind: FrameKind, encoding: FrameEncoding, payload: Buffer): void {
    if (this.#state === 'hello') {
      if (kind !== FRAME_KIND.HELLO) throw broken('the first frame must be HELLO');
      this.#open(payload);
      return;
    }
    switch (kind) {
      case FRAME_KIND.MESSAGE:
        this.#message(encoding, payload);
        return;
      case FRAME_KIND.CREDIT:
        if (!this.#outbox.addCredit(parseCredit(payload))) throw broken('more than 2^31-1 bytes of credit');
        return;
      case FRAME_KIND.PING:
        this.#connection.writer.writeFrame(FRAME_KIND.PONG, FRAME_ENCODING.BINARY, payload);
        if (!this.#hasRoom()) this.#connection.cut('slow');
        return;
      case FRAME_KIND.PONG:
        return;
      case FRAME_KIND.GOAWAY:
        this.#conversation?.drain();
        return;
      case FRAME_KIND.ERROR:
        this.#end();
        return;
      default:
        throw broken(`kind ${kind} is not a client's to send now`);
    }
  }

  refuse(error: BridgeError): void {
    this.#connection.writer.write(encodeFatalError(error));
  }

  ask(): boolean {
    this.#connection.writer.write(encodePing(PING_TOKEN));
    return true;
  }

  leave(): void {
    if (this.#state !== 'open' || this.#saidGoaway) return;
    this.#saidGoaway = true;
    this.#connection.writer.write(encodeGoaway({ reason: 'draining', retryAfterMs: RETRY_AFTER_MS }));
  }

  closed(): void {
    this.#state = 'closed';
    this.#decoder.stop();
    this.#outbox.clear();
    this.#conversation?.closed();
  }

  send(message: Buffer): boolean {
    if (this.#state !== 'open') return true;
    const payload = this.#payloadOf(message);
    if (payload !== undefined) this.#outbox.send(payload);
    return this.#hasRoom();
  }

  close(reason: CloseReason): void {
    if (reason === 'slow') {
      this.#connection.cut('slow');
    } else if (reason === 'draining' && this.#saidGoaway) {
      this.#state = 'leaving';
      this.#connection.endWithin(LINGER_MS);
    } else {
      if (reason === 'session-ended') this.refuse(sessionEnded());
      else if (reason === 'revoked') this.refuse(revoked());
      else if (reason !== 'draining') this.refuse(new BridgeError('INTERNAL', 'Internal error'));
      this.#end();
    }
  }

  #open(payload: Buffer): void {
    const { key, view, encodings, maxFrameBytes, credit } = parseHello(payload);
    const peer = admitClient(this.#host, key, view);
    const encoding = encodings[0] ?? 'json';
    if (encoding === 'msgpack') this.#outbox.encoding = FRAME_ENCODING.MSGPACK;
    this.#outbox.addCredit(credit);
    this.#clientMaxFrameBytes = maxFrameBytes;
    this.#state = 'open';
    this.#connection.established();
    const welcome = {
      encoding,
      maxFrameBytes: this.#host.maxFrameBytes,
      credit: WINDOW_BYTES,
      keepAliveMs: this.#host.keepAliveMs,
    } as const;
    this.#connection.writer.write(encodeWelcome(welcome));
    this.#conversation = this.#host.conversations.open(this, peer);
  }

  #end(): void {
    this.#state = 'closed';
    this.#decoder.stop();
    this.#connection.end();
  }

  #message(encoding: FrameEncoding, payload: Buffer): void {
    if (encoding !== this.#outbox.encoding)
      throw broken(`a MESSAGE in encoding ${encoding} was not agreed on`);
    if (this.#clientCredit <= 0) throw broken('a MESSAGE without credit');
    const cost = creditCost(payload.length);
    this.#clientCredit -= cost;
    this.#owedCredit += cost;
    const message = this.#jsonOf(payload);
    if (message !== undefined) {
      if (this.#state === 'leaving') this.#refuseLate(message);
      else this.#conversation?.receive(message);
    }
    this.#giveCreditBack();
  }

  #jsonOf(payload: Buffer): Buffer | undefined {
    if (this.#outbox.encoding === FRAME_ENCODING.JSON) return payload;
    try {
      return msgpackToJson(payload);
    } catch (error) {
      this.#conversation?.refuse(BridgeError.from(error));
      return undefined;
    }
  }

  /** A request that crossed with GOAWAY: it did not run, so its client may send it elsewhere. */
  #refuseLate(message: Buffer): void {
    const { kind, id } = scanEnvelope(message, { maxBytes: Infinity });
    if (kind !== 'request') return;
    const payload = this.#payloadOf(errorReply(rawText(message, id), leaving()));
    if (payload !== undefined) this.#outbox.send(payload);
    if (!this.#hasRoom()) this.#connection.cut('slow');
  }

  /** The message, or else what says why not, as this client takes it; undefined when nothing can be said. */
  #payloadOf(message: Buffer): Buffer | undefined {
    const payload = this.#pack(message);
    if (!(payload instanceof BridgeError)) return payload;
    this.#host.replaced(payload);
    if (isBatch(message)) {
      for (const item of arrayItems(message, 0)) this.send(rawBytes(message, item));
      return undefined;
    }
    return substitutesFor(message, payload)
      .map((substitute) => this.#pack(substitute))
      .find((packed) => Buffer.isBuffer(packed));
  }

  #pack(message: Buffer): Buffer | BridgeError {
    try {
      const isJson = this.#outbox.encoding === FRAME_ENCODING.JSON;
      const payload = isJson ? message : jsonToMsgpack(message);
      if (payload.length <= this.#clientMaxFrameBytes) return payload;
      return tooLongFor(this.#clientMaxFrameBytes, payload.length);
    } catch (cause) {
      return new BridgeError('UPSTREAM_PROTOCOL', 'The reply cannot be written as MessagePack', { cause });
    }
  }

  #hasRoom(): boolean {
    return this.#outbox.unsentBytes <= this.#host.maxBufferedBytes;
  }

  /** A client that leaves much unread gets no credit: it would only ask for more. */
  #giveCreditBack(): void {
    if (this.#owedCredit < CREDIT_PIECE_BYTES) return;
    if (this.#outbox.unsentBytes > this.#host.maxBufferedBytes / 4) return;
    this.#connection.writer.write(encodeCredit(this.#owedCredit));
    this.#clientCredit += this.#owedCredit;
    this.#owedCredit = 0;
  }
}

function sessionEnded(): BridgeError {
  return new BridgeError('SESSION_NOT_FOUND', 'The session has ended; connect and initialize again');
}

function revoked(): BridgeError {
  return new BridgeError('UNAUTHENTICATED', 'The API key is not valid any more');
}

function broken(what: string): BridgeError {
  return new BridgeError('INVALID_REQUEST', `Protocol broken: ${what}`);
}
