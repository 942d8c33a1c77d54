import { connect, type Socket } from 'node:net';
import {
  creditCost,
  encodeCredit,
  encodeFrame,
  encodeHello,
  encodePong,
  FRAME_ENCODING,
  FRAME_KIND,
  FrameDecoder,
  FRAMING_PREFACE,
  jsonToMsgpack,
  msgpackToJson,
  parseCredit,
  parseFatalError,
  parseWelcome,
  type FrameKind,
  type MessageEncoding,
} from '@mcp-bridge/protocol';
import { WireRefused, type OpenWire, type Wire, type WireListener } from './wire.js';

const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** So little that every message needs credit given back before the next. */
const CREDIT_BYTES = 256;

/** Wires over TCP with length-prefixed frames; HELLO names the view and the only encoding. */
export function tcpFrameWires(port: number, view: string, encoding: MessageEncoding): OpenWire {
  return (_head, listener) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const wire = new FrameWire(socket, encoding, listener, { onWelcome: resolve, onRefused: reject });
      socket.on('error', reject);
      socket.on('connect', () => {
        const hello = { view, encodings: [encoding], maxFrameBytes: MAX_FRAME_BYTES, credit: CREDIT_BYTES };
        socket.write(Buffer.concat([FRAMING_PREFACE, encodeHello(hello)]));
      });
      socket.on('data', (chunk) => wire.receive(chunk));
      socket.on('close', () => listener.onClose());
    });
}

interface Opening {
  onWelcome(wire: Wire): void;
  onRefused(why: WireRefused): void;
}

class FrameWire implements Wire {
  readonly #socket: Socket;
  readonly #isJson: boolean;
  readonly #listener: WireListener;
  readonly #opening: Opening;
  readonly #decoder = new FrameDecoder(this, MAX_FRAME_BYTES);
  readonly #waiting: Buffer[] = [];
  #credit = 0;

  constructor(socket: Socket, encoding: MessageEncoding, listener: WireListener, opening: Opening) {
    this.#socket = socket;
    this.#isJson = encoding === 'json';
    this.#listener = listener;
    this.#opening = opening;
  }

  send(message: string): void {
    const json = Buffer.from(message, 'utf8');
    this.#waiting.push(this.#isJson ? json : jsonToMsgpack(json));
    this.#flush();
  }

  close(): void {
    this.#socket.destroy();
  }

  receive(chunk: Buffer): void {
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined);
    }
  }

  /** For the decoder. */
  onFrame(kind: FrameKind, _encoding: number, payload: Buffer): void {
    if (kind === FRAME_KIND.WELCOME) {
      this.#credit = parseWelcome(payload).credit;
      this.#opening.onWelcome(this);
    } else if (kind === FRAME_KIND.MESSAGE) {
      this.#socket.write(encodeCredit(creditCost(payload.length)));
      this.#listener.onMessage((this.#isJson ? payload : msgpackToJson(payload)).toString('utf8'));
    } else if (kind === FRAME_KIND.CREDIT) {
      this.#credit += parseCredit(payload);
      this.#flush();
    } else if (kind === FRAME_KIND.PING) {
      this.#socket.write(encodePong(payload));
    } else if (kind === FRAME_KIND.ERROR) {
      this.#opening.onRefused(new WireRefused(400, parseFatalError(payload).message));
    }
  }

  #flush(): void {
    while (this.#credit > 0) {
      const payload = this.#waiting.shift();
      if (payload === undefined) return;
      this.#credit -= creditCost(payload.length);
      const encoding = this.#isJson ? FRAME_ENCODING.JSON : FRAME_ENCODING.MSGPACK;
      this.#socket.write(encodeFrame(FRAME_KIND.MESSAGE, encoding, payload));
    }
  }
}
