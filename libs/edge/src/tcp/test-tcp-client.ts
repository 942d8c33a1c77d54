import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import {
  type BridgeError,
  encodeFrame,
  encodeHello,
  FRAME_ENCODING,
  FRAME_KIND,
  FrameDecoder,
  type FrameKind,
  FRAMING_PREFACE,
  jsonToMsgpack,
  msgpackToJson,
  parseFatalError,
  parseWelcome,
  type Welcome,
} from '@mcp-bridge/protocol';
import type { JsonReply } from '../test-client.js';
import type { TestGateway } from '../test-gateway.js';

/** As loose as a test needs. */
export type Message = JsonReply & { method?: string; params?: Record<string, unknown> };

/** A socket whose bytes a test writes and reads by itself. */
export class RawClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  closed = false;
  #wake: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.onData(chunk));
    // A reset is an end like others.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
  }

  write(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** Resolves when the condition holds; checked whenever something has come. Rejects when the connection ends first. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      if (this.closed) throw new Error(`the connection ended after ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Resolves when the server has closed the connection. */
  async untilClosed(): Promise<void> {
    await this.until(() => this.closed).catch(() => undefined);
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  destroy(): void {
    this.socket.destroy();
  }

  protected onData(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    this.changed();
  }

  protected changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

/** Speaks lines. */
export class LineClient extends RawClient {
  readonly lines: string[] = [];
  #rest = '';

  send(message: unknown): this {
    return this.write(`${JSON.stringify(message)}\n`);
  }

  async next(): Promise<Message> {
    const line = await this.until(() => this.lines.shift());
    return JSON.parse(line) as Message;
  }

  protected override onData(chunk: Buffer): void {
    const parts = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = parts.pop() ?? '';
    this.lines.push(...parts);
    this.changed();
  }
}

export interface ReceivedFrame {
  readonly kind: FrameKind;
  readonly encoding: number;
  readonly payload: Buffer;
}

/** Speaks frames. */
export class FrameClient extends RawClient {
  readonly frames: ReceivedFrame[] = [];
  encoding: number = FRAME_ENCODING.JSON;
  readonly #decoder = new FrameDecoder(
    { onFrame: (kind, encoding, payload) => this.frames.push({ kind, encoding, payload }) },
    64 * 1024 * 1024,
  );

  /** Sends the preface and HELLO, and reads WELCOME. */
  async hello(hello: Parameters<typeof encodeHello>[0] = {}): Promise<Welcome> {
    this.write(Buffer.concat([FRAMING_PREFACE, encodeHello(hello)]));
    const welcome = parseWelcome((await this.nextOf(FRAME_KIND.WELCOME)).payload);
    if (welcome.encoding === 'msgpack') this.encoding = FRAME_ENCODING.MSGPACK;
    return welcome;
  }

  send(message: unknown): this {
    const json = Buffer.from(JSON.stringify(message));
    const isJson = this.encoding === FRAME_ENCODING.JSON;
    const payload = isJson ? json : jsonToMsgpack(json);
    return this.write(encodeFrame(FRAME_KIND.MESSAGE, isJson ? 1 : 2, payload));
  }

  /** The next frame of a kind; the others before it are kept. */
  async nextOf(kind: FrameKind): Promise<ReceivedFrame> {
    return this.until(() => {
      const index = this.frames.findIndex((frame) => frame.kind === kind);
      return index < 0 ? undefined : this.frames.splice(index, 1)[0];
    });
  }

  /** The next message. */
  async next(): Promise<Message> {
    const { encoding, payload } = await this.nextOf(FRAME_KIND.MESSAGE);
    if (encoding !== this.encoding) throw new Error(`a message in encoding ${encoding}`);
    const json = encoding === FRAME_ENCODING.MSGPACK ? msgpackToJson(payload) : payload;
    return JSON.parse(json.toString('utf8')) as Message;
  }

  /** What the server says before it ends the connection. */
  async fatalError(): Promise<BridgeError> {
    return parseFatalError((await this.nextOf(FRAME_KIND.ERROR)).payload);
  }

  protected override onData(chunk: Buffer): void {
    this.#decoder.push(chunk);
    this.changed();
  }
}

/** Connects to the TCP port of a test gateway. */
export async function dial<Client extends RawClient>(
  gateway: TestGateway,
  kind: new (socket: Socket) => Client,
  tls?: ConnectionOptions,
): Promise<Client> {
  const [host, port] = (gateway.tcpAddress ?? '').split(':');
  const options = { host, port: Number(port) };
  const socket = tls === undefined ? connect(options) : connectTls({ ...options, ...tls });
  await new Promise<void>((resolve, reject) => {
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => resolve());
    socket.once('error', reject);
  });
  return new kind(socket);
}

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: { sampling: {} },
    clientInfo: { name: 'test', version: '1' },
  },
};
