import { connect, type Socket } from 'node:net';
import {
  creditCost,
  encodeCredit,
  encodeFrame,
  encodeGoaway,
  encodeHello,
  encodePing,
  FRAME_ENCODING,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  type FrameEncoding,
  FRAMING_PREFACE,
  jsonToMsgpack,
  msgpackToJson,
  parseCredit,
  parseWelcome,
} from '@mcp-bridge/protocol';
import { mutateBytes } from '../../mutate/mutate-bytes.js';
import type { Random } from '../../random.js';
import { MAX_MESSAGE_BYTES } from '../../target/target.js';
import { ByteQueue } from '../channel/byte-queue.js';
import type { ChannelKind, ChannelListener, FuzzChannel, Packed } from '../channel/fuzz-channel.js';
import { cut, PieceWriter } from '../channel/piece-writer.js';

const TOKEN = Buffer.from('fuzzfuzz');
const MOST_CREDIT = 0x7fff_ffff;

/** MCP over TCP in frames, with JSON or MessagePack in them. */
export function tcpFrames(port: number): ChannelKind {
  return {
    concurrency: 16,
    blockSteps: 200,
    linewise: false,
    connect: (random, listener) => new FrameChannel(port, random, listener),
  };
}

class FrameChannel implements FuzzChannel {
  readonly #listener: ChannelListener;
  readonly #socket: Socket;
  readonly #writer: PieceWriter;
  readonly #bytes = new ByteQueue();
  readonly #encoding: FrameEncoding;
  /** Credit goes back frame by frame; else the bridge has more than it can use. */
  readonly #isTight: boolean;
  /** What may be sent; MESSAGE frames wait for it. */
  #credit = 0;
  #waiting: Packed[] = [];

  constructor(port: number, random: Random, listener: ChannelListener) {
    this.#listener = listener;
    const isMsgpack = random.oneIn(3);
    this.#encoding = isMsgpack ? FRAME_ENCODING.MSGPACK : FRAME_ENCODING.JSON;
    this.#isTight = random.oneIn(3);
    const hello = encodeHello({
      encodings: isMsgpack ? ['msgpack', 'json'] : ['json'],
      credit: this.#isTight ? 4_000 : MOST_CREDIT,
      // Room for an error with the longest id: without its id nobody could tell what it answers.
      ...(random.oneIn(8) ? { maxFrameBytes: 2_048 } : {}),
    });
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#writer = new PieceWriter(this.#socket);
    this.#socket.on('connect', () => this.#writer.write([Buffer.from(FRAMING_PREFACE), hello]));
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => listener.onClosed('closed'));
  }

  pack(message: Buffer, random: Random | undefined): Packed {
    const payload = this.#payloadOf(message);
    // A frame without a payload is refused like one that is too long.
    const breaks = payload.length === 0 || payload.length > MAX_MESSAGE_BYTES;
    if (random === undefined) return { pieces: [this.#frame(payload)], how: '', breaks };
    switch (random.below(9)) {
      case 0:
        return { pieces: cut(this.#frame(payload), random), how: 'split', breaks };
      case 1:
        return { pieces: [encodePing(TOKEN), this.#frame(payload)], how: 'ping', breaks };
      case 2: {
        const frames = [encodeFrame(FRAME_KIND.PONG, FRAME_ENCODING.BINARY, TOKEN), this.#frame(payload)];
        return { pieces: [Buffer.concat(frames)], how: 'pong', breaks };
      }
      case 3:
        if (this.#encoding === FRAME_ENCODING.MSGPACK) {
          const { bytes, name } = mutateBytes(payload, random);
          return { pieces: [this.#frame(bytes)], how: `msgpack ${name}`, breaks: true };
        }
        return { pieces: [this.#frame(payload)], how: '', breaks };
      case 4:
        return { pieces: [this.#broken(payload, random)], how: 'broken frame', breaks: true };
      default:
        return { pieces: [this.#frame(payload)], how: '', breaks };
    }
  }

  send(packed: Packed): void {
    if (this.#credit > 0 && this.#waiting.length === 0) this.#write(packed);
    else this.#waiting.push(packed);
  }

  close(politely: boolean): void {
    this.#socket.removeAllListeners('close');
    if (!politely) {
      this.#socket.resetAndDestroy();
      return;
    }
    this.#writer.write([encodeGoaway({ reason: 'done', retryAfterMs: 0 })]);
    this.#socket.end();
  }

  #write(packed: Packed): void {
    for (const piece of packed.pieces) this.#credit -= creditCost(piece.length);
    this.#writer.write(packed.pieces);
  }

  /** What cannot be written as MessagePack is sent as the bytes that it is. */
  #payloadOf(message: Buffer): Buffer {
    if (this.#encoding === FRAME_ENCODING.JSON) return message;
    try {
      return jsonToMsgpack(message);
    } catch {
      return message;
    }
  }

  #frame(payload: Buffer): Buffer {
    return encodeFrame(FRAME_KIND.MESSAGE, this.#encoding, payload);
  }

  #broken(payload: Buffer, random: Random): Buffer {
    const frame = this.#frame(payload);
    switch (random.below(9)) {
      case 0:
        frame.writeUInt32BE(
          random.pick([0, 1, payload.length - 1, payload.length + 1, 0x7fff_ffff, 0xffff_ffff]) >>> 0,
        );
        return frame;
      case 1:
        frame[4] = random.pick([0, 1, 2, 4, 5, 6, 7, 8, 9, 255]);
        return frame;
      case 2:
        frame[5] = random.pick([0, 1, 2, 3, 255]);
        return frame;
      case 3: {
        const credit = Buffer.alloc(4);
        credit.writeUInt32BE(random.pick([0, 1, MOST_CREDIT, 0x8000_0000, 0xffff_ffff]));
        const frames = encodeFrame(FRAME_KIND.CREDIT, FRAME_ENCODING.BINARY, credit);
        return Buffer.concat(Array.from({ length: random.between(1, 3) }, () => frames));
      }
      case 4:
        return encodeHello({ key: 'none', view: random.pick(['', 'echo', '../x', 'none']) });
      case 5: {
        const kind = random.pick([FRAME_KIND.GOAWAY, FRAME_KIND.ERROR, FRAME_KIND.WELCOME]);
        return encodeFrame(
          kind,
          FRAME_ENCODING.JSON,
          Buffer.from(random.pick(['{}', 'x', '[]', '{"code":1}'])),
        );
      }
      case 6:
        return frame.subarray(0, random.below(frame.length));
      case 7: {
        // Far more than the credit, in one write.
        const many = Array.from({ length: 40 }, () =>
          encodeFrame(FRAME_KIND.MESSAGE, this.#encoding, PADDING),
        );
        return Buffer.concat(many);
      }
      default:
        return mutateBytes(frame, random).bytes;
    }
  }

  #read(bytes: Buffer): void {
    this.#bytes.push(bytes);
    while (this.#bytes.length >= FRAME_HEADER_BYTES) {
      const header = this.#bytes.peek(FRAME_HEADER_BYTES);
      const length = header.readUInt32BE(0);
      if (this.#bytes.length < FRAME_HEADER_BYTES + length) return;
      const kind = header[4] ?? 0;
      const encoding = header[5] ?? 0;
      const payload = this.#bytes.take(FRAME_HEADER_BYTES + length).subarray(FRAME_HEADER_BYTES);
      try {
        this.#heard(kind, encoding, payload);
      } catch (error) {
        this.#listener.onFault(`a frame of kind ${kind} cannot be read: ${String(error)}`);
        return;
      }
    }
  }

  #heard(kind: number, encoding: number, payload: Buffer): void {
    switch (kind) {
      case FRAME_KIND.WELCOME:
        this.#credit = parseWelcome(payload).credit;
        this.#listener.onOpen();
        return;
      case FRAME_KIND.CREDIT: {
        this.#credit += parseCredit(payload);
        for (let next = this.#waiting[0]; next !== undefined && this.#credit > 0; next = this.#waiting[0]) {
          this.#waiting.shift();
          this.#write(next);
        }
        return;
      }
      case FRAME_KIND.PING:
        this.#writer.write([encodeFrame(FRAME_KIND.PONG, FRAME_ENCODING.BINARY, payload)]);
        return;
      case FRAME_KIND.MESSAGE:
        if (this.#isTight) this.#writer.write([encodeCredit(creditCost(payload.length))]);
        if (encoding !== this.#encoding) throw new Error(`it has encoding ${encoding}`);
        this.#listener.onMessage(
          (encoding === FRAME_ENCODING.MSGPACK ? msgpackToJson(payload) : payload).toString('utf8'),
        );
        return;
      case FRAME_KIND.PONG:
      case FRAME_KIND.GOAWAY:
        return;
      case FRAME_KIND.ERROR:
        this.#listener.onClosed(`ERROR ${payload.toString('utf8')}`);
        return;
      default:
        throw new Error('there is no such kind');
    }
  }
}

const PADDING = Buffer.from(
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/none', params: { x: 'x'.repeat(60_000) } }),
);
