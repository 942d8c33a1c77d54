import { createHash, randomBytes } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import type { Random } from '../../random.js';
import { MAX_MESSAGE_BYTES } from '../../target/target.js';
import { ByteQueue } from '../channel/byte-queue.js';
import type { ChannelKind, ChannelListener, FuzzChannel, Packed } from '../channel/fuzz-channel.js';
import { PieceWriter } from '../channel/piece-writer.js';
import { clientFrame, OPCODE } from './client-frame.js';
import { packMessage } from './pack-message.js';

/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Codes that a server may put into a close frame (RFC 6455, section 7.4). */
const CLOSE_CODES = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013]);

/** MCP over WebSocket. */
export function webSockets(port: number): ChannelKind {
  return {
    concurrency: 16,
    blockSteps: 200,
    linewise: false,
    connect: (_random, listener) => new WebSocketChannel(port, listener),
  };
}

class WebSocketChannel implements FuzzChannel {
  readonly #listener: ChannelListener;
  readonly #socket: Socket;
  readonly #writer: PieceWriter;
  readonly #bytes = new ByteQueue();
  readonly #key = randomBytes(16).toString('base64');
  #isOpen = false;

  constructor(port: number, listener: ChannelListener) {
    this.#listener = listener;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#writer = new PieceWriter(this.#socket);
    const head =
      `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${this.#key}\r\nSec-WebSocket-Protocol: mcp\r\n\r\n`;
    this.#socket.on('connect', () => this.#writer.write([Buffer.from(head)]));
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => listener.onClosed('closed'));
  }

  pack(message: Buffer, random: Random | undefined): Packed {
    const isTaken = message.length <= MAX_MESSAGE_BYTES && isUtf8(message);
    const packed =
      random === undefined
        ? { pieces: [clientFrame(OPCODE.TEXT, message)], how: '', breaks: false }
        : packMessage(message, random);
    return isTaken ? packed : { ...packed, breaks: true };
  }

  send({ pieces }: Packed): void {
    this.#writer.write(pieces);
  }

  close(politely: boolean): void {
    this.#socket.removeAllListeners('close');
    if (!politely) {
      this.#socket.resetAndDestroy();
      return;
    }
    this.#writer.write([clientFrame(OPCODE.CLOSE, Buffer.from([0x03, 0xe8]))]);
    this.#socket.end();
  }

  #read(bytes: Buffer): void {
    this.#bytes.push(bytes);
    if (!this.#isOpen && !this.#upgraded()) return;
    try {
      while (this.#readFrame());
    } catch (error) {
      this.#listener.onFault(String(error));
    }
  }

  #upgraded(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.#bytes.take(end + 4).toString('latin1');
    const accept = createHash('sha1')
      .update(this.#key + ACCEPT_SUFFIX)
      .digest('base64');
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(accept)) {
      this.#listener.onFault(`the upgrade was refused: ${head}`);
      return false;
    }
    this.#isOpen = true;
    this.#listener.onOpen();
    return true;
  }

  /** False when no whole frame is there. */
  #readFrame(): boolean {
    if (this.#bytes.length < 2) return false;
    const [first = 0, second = 0] = this.#bytes.peek(2);
    if ((first & 0x70) !== 0) throw new Error('a reserved bit is set');
    if ((second & 0x80) !== 0) throw new Error('a frame of the server is masked');
    const lengthBytes = second === 127 ? 8 : second === 126 ? 2 : 0;
    if (this.#bytes.length < 2 + lengthBytes) return false;
    const extended = this.#bytes.peek(2 + lengthBytes).subarray(2);
    const length =
      lengthBytes === 0 ? second : lengthBytes === 2 ? extended.readUInt16BE() : extended.readUInt32BE(4);
    if (this.#bytes.length < 2 + lengthBytes + length) return false;
    const payload = this.#bytes.take(2 + lengthBytes + length).subarray(2 + lengthBytes);
    if ((first & 0x80) === 0) throw new Error('a message of the server is fragmented');
    this.#heard(first & 0x0f, payload);
    return true;
  }

  #heard(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.TEXT) {
      if (!isUtf8(payload)) throw new Error('a text message is not UTF-8');
      this.#listener.onMessage(payload.toString('utf8'));
    } else if (opcode === OPCODE.CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE() : 1005;
      // An echo of what the client closed with is right too, whatever it was.
      if (code !== 1005 && !CLOSE_CODES.has(code) && (code < 3000 || code > 4999))
        throw new Error(`a close frame has the code ${code}`);
      this.#listener.onClosed(`close frame ${code} ${payload.toString('utf8', 2)}`);
    } else if (opcode === OPCODE.PING) {
      this.#writer.write([clientFrame(OPCODE.PONG, payload)]);
    } else if (opcode !== OPCODE.PONG) {
      throw new Error(`a frame has the opcode ${opcode}`);
    }
  }
}
