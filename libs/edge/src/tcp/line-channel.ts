import { BridgeError, errorReply, readableId, scanEnvelope } from '@mcp-bridge/protocol';
import type { Conversation } from '../channels/conversation.js';
import { lineOf, type LineReceiver, MessageLines } from '../channels/message-lines.js';
import type { CloseReason, MessagePipe } from '../channels/message-pipe.js';
import { admitClient } from './admit-client.js';
import type { TcpConnection } from './tcp-connection.js';
import type { TcpChannel, TcpHost } from './tcp-host.js';

/** What a client's first line may say of it; not one of MCP's own notifications. */
const HELLO = 'notifications/bridge/hello';
const MAX_HELLO_BYTES = 16 * 1024;

/** The mode of one connection in which every line is a message (libs/protocol/README.md, "Binary TCP"). */
export class LineChannel implements TcpChannel, MessagePipe, LineReceiver {
  readonly #host: TcpHost;
  readonly #connection: TcpConnection;
  readonly #lines: MessageLines;
  #conversation: Conversation | undefined = undefined;
  /** Of the first message, for the reply that refuses its client. */
  #firstId: string | undefined = undefined;
  #over = false;

  constructor(host: TcpHost, connection: TcpConnection) {
    this.#host = host;
    this.#connection = connection;
    this.#lines = new MessageLines(host.maxFrameBytes, this);
    connection.writer.onIdle = () => connection.resume();
  }

  receive(chunk: Buffer): void {
    this.#lines.push(chunk);
  }

  onLine(line: Buffer): void {
    if (this.#over) return;
    if (this.#conversation === undefined) this.#first(line);
    else this.#conversation.receive(line);
  }

  onLongLine(): void {
    if (this.#over) return;
    const error = new BridgeError(
      'PAYLOAD_TOO_LARGE',
      `A line of more than ${this.#host.maxFrameBytes} bytes (gateway.tcp.maxFrameBytes)`,
    );
    if (this.#conversation === undefined) throw error;
    this.#conversation.refuse(error);
  }

  refuse(error: BridgeError): void {
    this.#over = true;
    this.#connection.writer.write(lineOf(errorReply(this.#firstId, error)));
  }

  ask(): boolean {
    return false;
  }

  leave(): void {}

  closed(): void {
    this.#over = true;
    this.#conversation?.closed();
  }

  send(message: Buffer): boolean {
    const { writer } = this.#connection;
    writer.write(lineOf(message));
    // Who leaves this much unread is not listened to, so that it cannot ask for more.
    if (writer.unsentBytes > this.#host.maxBufferedBytes / 4) this.#connection.pause();
    return writer.unsentBytes <= this.#host.maxBufferedBytes;
  }

  close(reason: CloseReason): void {
    this.#over = true;
    if (reason === 'slow') this.#connection.cut('slow');
    else this.#connection.end();
  }

  #first(line: Buffer): void {
    const hello = helloOf(line);
    if (hello === undefined) this.#firstId = readableId(line);
    const peer = admitClient(this.#host, hello?.key ?? '', hello?.view ?? '');
    this.#connection.established();
    this.#conversation = this.#host.conversations.open(this, peer);
    if (hello === undefined) this.#conversation.receive(line);
  }
}

/** @throws {BridgeError} INVALID_PARAMS when it is a hello, but not as it should be */
function helloOf(line: Buffer): { key: string; view: string } | undefined {
  if (line.length > MAX_HELLO_BYTES || !line.includes(HELLO)) return undefined;
  const envelope = scanEnvelope(line);
  if (envelope.method !== HELLO) return undefined;
  const { params } = envelope;
  // The scan has validated it as a JSON object.
  const members = (
    params.start < 0 ? {} : JSON.parse(line.toString('utf8', params.start, params.end))
  ) as Record<string, unknown>;
  const { key = '', view = '' } = members;
  if (typeof key === 'string' && typeof view === 'string') return { key, view };
  throw new BridgeError('INVALID_PARAMS', `Invalid ${HELLO}: key and view must be strings`);
}
