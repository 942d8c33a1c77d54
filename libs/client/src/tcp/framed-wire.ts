import type { Socket } from 'node:net';
import {
  BridgeError,
  creditCost,
  encodeCredit,
  encodeHello,
  encodePing,
  encodePong,
  encodeFrame,
  FRAME_ENCODING,
  FRAME_KIND,
  FrameDecoder,
  type FrameEncoding,
  type FrameKind,
  type FrameReceiver,
  FRAMING_PREFACE,
  jsonToMsgpack,
  type MessageEncoding,
  msgpackToJson,
  parseCredit,
  parseFatalError,
  parseWelcome,
} from '@mcp-bridge/protocol';
import type { Wire, WireEvents } from '../wire.js';
import type { WireMessage } from '../wire-message.js';
import { SocketEnd } from './socket-end.js';
import { TurnBatch } from './turn-batch.js';

export interface FrameOptions {
  readonly key?: string | undefined;
  readonly view?: string | undefined;
  readonly encoding: MessageEncoding;
  /** Longest message that is taken. */
  readonly maxFrameBytes: number;
  readonly maxBufferedBytes: number;
}

/** What the bridge may send before it is given more credit. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const PING_TOKEN = Buffer.alloc(8);

/**
 * The framed mode (libs/protocol, "Binary TCP").
 * @throws {BridgeError} UNAUTHENTICATED, UPSTREAM_UNAVAILABLE, …
 */
export function openFramedWire(socket: Socket, options: FrameOptions, events: WireEvents): Promise<Wire> {
  return new Promise((resolve, reject) => {
    new FramedWire(socket, options, events, resolve, reject);
  });
}

class FramedWire implements Wire, FrameReceiver {
  readonly #socket: Socket;
  readonly #options: FrameOptions;
  readonly #events: WireEvents;
  readonly #end: SocketEnd;
  readonly #batch: TurnBatch;
  readonly #decoder: FrameDecoder;
  readonly #onOpen: (wire: Wire) => void;
  #isOpen = false;
  #encoding: FrameEncoding = FRAME_ENCODING.JSON;
  #bridgeMaxFrameBytes = 0;
  /** What may be sent to the bridge. */
  #credit = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** What the bridge has sent and was not given back. */
  #owedCredit = 0;
  #heard = true;
  #asked = false;
  #lifeCheck: NodeJS.Timeout | undefined = undefined;

  constructor(
    socket: Socket,
    options: FrameOptions,
    events: WireEvents,
    onOpen: (wire: Wire) => void,
    onRefused: (error: BridgeError) => void,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#events = events;
    this.#onOpen = onOpen;
    this.#batch = new TurnBatch(socket);
    this.#decoder = new FrameDecoder(this, options.maxFrameBytes);
    this.#end = new SocketEnd(socket, (error) => {
      clearInterval(this.#lifeCheck);
      this.#decoder.stop();
      if (this.#isOpen) events.onClosed(error);
      else onRefused(error);
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    const { key = '', view = '', encoding, maxFrameBytes } = options;
    const encodings: readonly MessageEncoding[] = encoding === 'msgpack' ? ['msgpack', 'json'] : ['json'];
    this.#batch.write(Buffer.from(FRAMING_PREFACE));
    this.#batch.write(encodeHello({ key, view, encodings, maxFrameBytes, credit: WINDOW_BYTES }));
  }

  send(message: WireMessage): void {
    const json = Buffer.from(JSON.stringify(message), 'utf8');
    const payload = this.#encoding === FRAME_ENCODING.MSGPACK ? jsonToMsgpack(json) : json;
    if (payload.length > this.#bridgeMaxFrameBytes) {
      throw new BridgeError(
        'PAYLOAD_TOO_LARGE',
        `The message has ${payload.length} bytes; the bridge takes ${this.#bridgeMaxFrameBytes}`,
      );
    }
    if (this.#waitingBytes + this.#socket.writableLength > this.#options.maxBufferedBytes) {
      throw new BridgeError('OVERLOADED', 'Too much waits for the bridge to read; try again later');
    }
    this.#waiting.push(payload);
    this.#waitingBytes += payload.length;
    this.#sendWaiting();
  }

  finish(): void {
    this.#end.finish();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onFrame(kind: FrameKind, encoding: FrameEncoding, payload: Buffer): void {
    if (!this.#isOpen && kind !== FRAME_KIND.WELCOME && kind !== FRAME_KIND.ERROR) {
      throw broken('the first frame must be WELCOME');
    }
    switch (kind) {
      case FRAME_KIND.WELCOME:
        this.#welcome(payload);
        return;
      case FRAME_KIND.MESSAGE:
        this.#message(encoding, payload);
        return;
      case FRAME_KIND.CREDIT:
        this.#credit += parseCredit(payload);
        this.#sendWaiting();
        return;
      case FRAME_KIND.PING:
        this.#batch.write(encodePong(payload));
        return;
      case FRAME_KIND.PONG:
        return;
      case FRAME_KIND.GOAWAY:
        this.#events.onLeaving();
        return;
      case FRAME_KIND.ERROR:
        this.#end.because(parseFatalError(payload));
        this.finish();
        return;
      default:
        throw broken(`kind ${kind} is not the bridge's to send`);
    }
  }

  #read(chunk: Buffer): void {
    this.#heard = true;
    try {
      this.#decoder.push(chunk);
    } catch (cause) {
      const { message } = BridgeError.from(cause);
      this.#end.cut(new BridgeError('UPSTREAM_PROTOCOL', message, { cause }));
    }
  }

  #welcome(payload: Buffer): void {
    if (this.#isOpen) throw broken('a second WELCOME');
    const { encoding, maxFrameBytes, credit, keepAliveMs } = parseWelcome(payload);
    if (encoding === 'msgpack') this.#encoding = FRAME_ENCODING.MSGPACK;
    this.#bridgeMaxFrameBytes = maxFrameBytes;
    this.#credit = credit;
    this.#isOpen = true;
    this.#lifeCheck = setInterval(() => this.#checkLife(), keepAliveMs * 2).unref();
    this.#onOpen(this);
  }

  #message(encoding: FrameEncoding, payload: Buffer): void {
    if (encoding !== this.#encoding) throw broken(`a MESSAGE in encoding ${encoding}`);
    this.#owedCredit += creditCost(payload.length);
    if (this.#owedCredit >= WINDOW_BYTES / 4) {
      this.#batch.write(encodeCredit(this.#owedCredit));
      this.#owedCredit = 0;
    }
    const json = encoding === FRAME_ENCODING.MSGPACK ? msgpackToJson(payload) : payload;
    let message: WireMessage;
    try {
      // Whatever it is, the SDK judges it.
      message = JSON.parse(json.toString('utf8')) as WireMessage;
    } catch (cause) {
      throw broken('a MESSAGE that is not JSON', cause);
    }
    this.#events.onMessage(message);
  }

  #sendWaiting(): void {
    let sent = 0;
    for (const payload of this.#waiting) {
      if (this.#credit <= 0) break;
      this.#credit -= creditCost(payload.length);
      this.#waitingBytes -= payload.length;
      this.#batch.write(encodeFrame(FRAME_KIND.MESSAGE, this.#encoding, payload));
      sent += 1;
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }

  /** The bridge asks after `keepAliveMs` of silence; a longer one means that it is gone. */
  #checkLife(): void {
    if (!this.#heard && this.#asked) {
      this.#end.cut(new BridgeError('UPSTREAM_UNAVAILABLE', 'The bridge gives no sign of life'));
      return;
    }
    this.#asked = !this.#heard;
    if (this.#asked) this.#batch.write(encodePing(PING_TOKEN));
    this.#heard = false;
  }
}

function broken(what: string, cause?: unknown): BridgeError {
  return new BridgeError('UPSTREAM_PROTOCOL', `The bridge broke the protocol: ${what}`, { cause });
}
