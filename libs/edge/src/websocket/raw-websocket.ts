import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame as it came. */
export interface Frame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface FrameOptions {
  readonly fin?: boolean;
  /** The three reserved bits as a number. */
  readonly rsv?: number;
  readonly masked?: boolean;
}

export interface RawWebSocketOptions {
  readonly path?: string;
  /** Over TLS, whatever the certificate. */
  readonly secure?: boolean;
  /** Added to the headers of the handshake, or in place of them; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface Handshake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a reply that refuses. */
  readonly body: string;
}

/** How a connection ended for its client. */
export interface Ending {
  /** 1005 when the close frame had no code, 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket client that writes whatever frames a test wants, right or wrong, straight from RFC 6455. */
export class RawWebSocket {
  readonly #socket: Socket;
  readonly #frames: Frame[] = [];
  #bytes = Buffer.alloc(0);
  #closed = false;
  #wake: (() => void)[] = [];

  private constructor(socket: Socket, rest: Buffer) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => this.#end());
    this.#read(rest);
  }

  /** Connects, and fails unless the server upgrades. */
  static async connect(port: number, options: RawWebSocketOptions = {}): Promise<RawWebSocket> {
    const { handshake, socket, rest, accept } = await shakeHands(port, options);
    if (handshake.status !== 101) throw new Error(`refused with ${handshake.status}: ${handshake.body}`);
    if (handshake.headers['sec-websocket-accept'] !== accept) throw new Error('a wrong Sec-WebSocket-Accept');
    return new RawWebSocket(socket, rest);
  }

  /** Asks for an upgrade, whatever comes of it. */
  static async handshake(port: number, options: RawWebSocketOptions = {}): Promise<Handshake> {
    const { handshake, socket } = await shakeHands(port, options);
    socket.destroy();
    return handshake;
  }

  send(opcode: number, payload: string | Buffer, options: FrameOptions = {}): void {
    this.#socket.write(encodeFrame(opcode, payload, options));
  }

  sendText(message: unknown): void {
    this.send(OPCODE.text, typeof message === 'string' ? message : JSON.stringify(message));
  }

  sendClose(code?: number, reason: string | Buffer = ''): void {
    this.send(OPCODE.close, closePayload(code, reason));
  }

  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Writes the bytes in pieces, each in a segment of its own as far as the kernel lets them be. */
  async sendChopped(bytes: Buffer, size: number): Promise<void> {
    this.#socket.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += size) {
      await new Promise<void>((resolve) =>
        this.#socket.write(bytes.subarray(at, at + size), () => resolve()),
      );
    }
  }

  /** Ends the sending side only. */
  endWriting(): void {
    this.#socket.end();
  }

  /** Reads no more, so that data piles up at the server. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The next frame; undefined when the connection has ended. */
  async next(): Promise<Frame | undefined> {
    while (this.#frames.length === 0 && !this.#closed) await this.#change();
    return this.#frames.shift();
  }

  /** The next frame, which must be text, as JSON. */
  async nextMessage<T = Record<string, unknown>>(): Promise<T> {
    const frame = await this.next();
    if (frame?.opcode !== OPCODE.text) throw new Error(`no message but ${describe(frame)}`);
    return JSON.parse(frame.payload.toString('utf8')) as T;
  }

  async ask<T = Record<string, unknown>>(message: unknown): Promise<T> {
    this.sendText(message);
    return await this.nextMessage<T>();
  }

  /** Waits until the connection has ended; frames other than its close frame must not come any more. */
  async untilClosed(): Promise<Ending> {
    let ending: Ending = { code: 1006, reason: '' };
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) {
      if (frame.opcode !== OPCODE.close) throw new Error(`still came ${describe(frame)}`);
      const { payload } = frame;
      ending =
        payload.length < 2
          ? { code: 1005, reason: '' }
          : { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
    }
    return ending;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let size = this.#take(); size > 0; size = this.#take()) this.#bytes = this.#bytes.subarray(size);
    this.#changed();
  }

  /** Bytes of the frame at the front, 0 when it is not whole. */
  #take(): number {
    const bytes = this.#bytes;
    if (bytes.length < 2) return 0;
    const [first = 0, second = 0] = bytes;
    if ((second & 0x80) !== 0) throw new Error('a server must not mask');
    let length = second & 0x7f;
    let start = 2;
    if (length === 126) {
      if (bytes.length < 4) return 0;
      length = bytes.readUInt16BE(2);
      start = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return 0;
      length = Number(bytes.readBigUInt64BE(2));
      start = 10;
    }
    if (bytes.length < start + length) return 0;
    this.#frames.push({
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode: first & 15,
      payload: bytes.subarray(start, start + length),
    });
    return start + length;
  }

  #end(): void {
    this.#closed = true;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

/** A frame as a client must send it, unless told otherwise. */
export function encodeFrame(opcode: number, payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = options;
  const body = Buffer.from(payload);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  if (head.length === 2) head[1] = maskBit | body.length;
  else if (head.length === 4) {
    head[1] = maskBit | 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  if (!masked) return Buffer.concat([head, body]);
  const mask = randomBytes(4);
  for (let at = 0; at < body.length; at++) body[at] = (body[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([head, mask, body]);
}

export function closePayload(code?: number, reason: string | Buffer = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

interface Shaken {
  readonly handshake: Handshake;
  readonly socket: Socket;
  readonly rest: Buffer;
  /** What `Sec-WebSocket-Accept` must be. */
  readonly accept: string;
}

async function shakeHands(port: number, options: RawWebSocketOptions): Promise<Shaken> {
  const key = randomBytes(16).toString('base64');
  const headers = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Protocol': 'mcp',
    ...options.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  const socket =
    options.secure === true
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
  // A reset is an answer too: the caller sees the end.
  socket.on('error', () => undefined);
  socket.write(`GET ${options.path ?? '/mcp'} HTTP/1.1\r\n${lines.join('')}\r\n`);
  let bytes = Buffer.alloc(0);
  let whole: Reply | undefined;
  while (whole === undefined) {
    const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [unknown];
    if (!Buffer.isBuffer(chunk)) throw new Error(`the server closed after ${bytes.toString('latin1')}`);
    bytes = Buffer.concat([bytes, chunk]);
    whole = parseReply(bytes);
  }
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return { handshake: whole.handshake, socket, rest: bytes.subarray(whole.size), accept };
}

interface Reply {
  readonly handshake: Handshake;
  readonly size: number;
}

function parseReply(bytes: Buffer): Reply | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const status = Number(statusLine.split(' ')[1]);
  const size = end + 4 + (status === 101 ? 0 : Number(headers['content-length'] ?? 0));
  if (bytes.length < size) return undefined;
  return { handshake: { status, headers, body: bytes.toString('utf8', end + 4, size) }, size };
}

function describe(frame: Frame | undefined): string {
  return frame === undefined
    ? 'the end'
    : `opcode ${frame.opcode} with ${frame.payload.length} bytes: ${frame.payload.toString('latin1').slice(0, 200)}`;
}
