import { connect, type Socket } from 'node:net';
import { createSseParser } from '@mcp-bridge/testkit';
import type { Random } from '../../random.js';
import type { ChannelKind, ChannelListener, FuzzChannel, Packed } from '../channel/fuzz-channel.js';
import { type HttpReply, ReplyReader } from '../http/reply-reader.js';

/** What a POST to the stream's own endpoint may get. */
const OWN_STATUSES = new Set([202, 400, 413]);

/** HTTP+SSE of 2024-11-05. `foreign` is the endpoint of a stream of another tenant. */
export function serverSentEvents(port: number, foreign: string): ChannelKind {
  return {
    concurrency: 64,
    blockSteps: 100,
    linewise: false,
    // Replies to POSTs and events of the stream come over two connections: their order proves nothing.
    window: 1,
    connect: (_random, listener) => new SseChannel(port, foreign, listener),
  };
}

/** A stream of events, and a connection for POSTs, one after the other. */
class SseChannel implements FuzzChannel {
  readonly #port: number;
  readonly #foreign: string;
  readonly #listener: ChannelListener;
  readonly #stream: Socket;
  readonly #posts: Socket;
  readonly #postReader: ReplyReader;
  readonly #events = createSseParser();
  readonly #waiting: Buffer[] = [];
  /** POSTs that must be refused. */
  readonly #refusable = new Set<Buffer>();
  #endpoint = '';
  #current: Buffer | undefined;

  constructor(port: number, foreign: string, listener: ChannelListener) {
    this.#port = port;
    this.#foreign = foreign;
    this.#listener = listener;
    const streamReader = new ReplyReader({
      onHead: (status) => {
        if (status !== 200) listener.onFault(`GET /sse got ${status}`);
      },
      onPiece: (bytes) => this.#heard(bytes.toString('utf8')),
      onReply: () => listener.onClosed('the stream has ended'),
    });
    this.#postReader = new ReplyReader({
      onHead: () => undefined,
      onPiece: () => undefined,
      onReply: (reply) => this.#posted(reply),
    });
    this.#stream = this.#open(streamReader, 'the stream');
    this.#stream.write(`GET /sse HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`);
    this.#posts = this.#open(this.#postReader, 'a connection for POSTs');
  }

  pack(message: Buffer, random: Random | undefined): Packed {
    const own = this.#post(this.#endpoint, message);
    if (random === undefined) return { pieces: [own], how: '', breaks: false };
    const [how, path, type] = random.pick<readonly [string, string, string]>([
      ['foreign stream', this.#foreign, 'application/json'],
      ['no such stream', '/messages/AAAAAAAAAAAAAAAAAAAAAA', 'application/json'],
      [
        'changed stream',
        `${this.#endpoint.slice(0, -1)}${random.pick(['', '=', '%00', '/'])}`,
        'application/json',
      ],
      ['long stream', `${this.#endpoint}${'x'.repeat(random.pick([1, 1_000]))}`, 'application/json'],
      ['no stream', '/messages/', 'application/json'],
      ['wrong type', this.#endpoint, 'text/plain'],
      ['POST to the stream', '/sse', 'application/json'],
    ]);
    const extra = this.#post(path, message, type);
    this.#refusable.add(extra);
    return { pieces: [extra, own], how, breaks: false };
  }

  send({ pieces }: Packed): void {
    this.#waiting.push(...pieces);
    this.#next();
  }

  close(): void {
    for (const socket of [this.#stream, this.#posts]) {
      socket.removeAllListeners('close');
      socket.destroy();
    }
  }

  #open(reader: ReplyReader, what: string): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    socket.on('data', (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        this.#listener.onFault(`${what} cannot be read: ${String(error)}`);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#listener.onClosed(`${what} was closed`));
    return socket;
  }

  #post(path: string, body: Buffer, type = 'application/json'): Buffer {
    const head =
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nContent-Type: ${type}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  }

  #heard(text: string): void {
    for (const { event, data } of this.#events.push(text)) {
      if (event === 'endpoint') {
        this.#endpoint = data;
        this.#listener.onOpen();
      } else if (event === 'message') this.#listener.onMessage(data);
    }
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) this.#posts.write(this.#current);
  }

  #posted({ status, body }: HttpReply): void {
    const sent = this.#current;
    this.#current = undefined;
    if (sent !== undefined && this.#refusable.delete(sent)) {
      if (status < 400 || status >= 500) this.#listener.onFault(`a POST that must be refused got ${status}`);
    } else if (!OWN_STATUSES.has(status)) {
      this.#listener.onFault(`a POST to its own stream got ${status}`);
    } else if (status !== 202) {
      // What is no message is answered here, before anything later is answered on the stream.
      this.#listener.onMessage(body.toString('utf8'));
    }
    this.#next();
  }
}
