import { connect, type Socket } from 'node:net';
import type { Random } from '../../random.js';
import { MAX_MESSAGE_BYTES } from '../../target/target.js';
import type { ChannelKind, ChannelListener, FuzzChannel, Packed } from '../channel/fuzz-channel.js';
import { ByteQueue } from '../channel/byte-queue.js';
import { cut, PieceWriter } from '../channel/piece-writer.js';

const NEWLINE = 0x0a;
const HELLO = '{"jsonrpc":"2.0","method":"notifications/bridge/hello","params":{}}\n';

/** MCP over TCP, one message per line. */
export function tcpLines(port: number): ChannelKind {
  return {
    concurrency: 16,
    blockSteps: 200,
    linewise: true,
    connect: (_random, listener) => new LineChannel(port, listener),
  };
}

class LineChannel implements FuzzChannel {
  readonly #socket: Socket;
  readonly #writer: PieceWriter;

  constructor(port: number, listener: ChannelListener) {
    const lines = new LineReader(listener);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#writer = new PieceWriter(this.#socket);
    this.#socket.on('connect', () => {
      this.#writer.write([Buffer.from(HELLO)]);
      listener.onOpen();
    });
    this.#socket.on('data', (bytes) => lines.push(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => listener.onClosed('closed'));
  }

  pack(message: Buffer, random: Random | undefined): Packed {
    return packLine(message, random);
  }

  send({ pieces }: Packed): void {
    this.#writer.write(pieces);
  }

  close(politely: boolean): void {
    this.#socket.removeAllListeners('close');
    if (politely) this.#socket.end();
    else this.#socket.resetAndDestroy();
  }
}

/** A message as a line, in one of the forms that lines have. */
export function packLine(message: Buffer, random: Random | undefined): Packed {
  const line = (end: string): Buffer => Buffer.concat([message, Buffer.from(end)]);
  if (random === undefined) return { pieces: [line('\n')], how: '', breaks: false };
  switch (random.below(4)) {
    case 0:
      return { pieces: cut(line('\n'), random), how: 'split', breaks: false };
    case 1:
      return { pieces: [line('\r\n')], how: 'CRLF', breaks: false };
    case 2:
      return { pieces: [line('\n\n\r\n')], how: 'blank lines', breaks: false };
    default: {
      const long = Buffer.alloc(MAX_MESSAGE_BYTES + random.pick([1, 100_000]), 'x');
      return {
        pieces: [Buffer.concat([long, Buffer.from('\n'), line('\n')])],
        how: 'long line',
        breaks: false,
      };
    }
  }
}

/** Gives the lines that the bridge writes to the listener. */
export class LineReader {
  readonly #listener: ChannelListener;
  readonly #bytes = new ByteQueue();

  constructor(listener: ChannelListener) {
    this.#listener = listener;
  }

  push(bytes: Buffer): void {
    this.#bytes.push(bytes);
    for (let end = this.#bytes.indexOf(NEWLINE); end >= 0; end = this.#bytes.indexOf(NEWLINE)) {
      this.#listener.onMessage(this.#bytes.take(end + 1).toString('utf8', 0, end));
    }
  }
}
