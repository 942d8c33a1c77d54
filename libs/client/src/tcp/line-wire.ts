import type { Socket } from 'node:net';
import { BridgeError, ERRORS, type ErrorCode } from '@mcp-bridge/protocol';
import type { Wire, WireEvents } from '../wire.js';
import { memberOf, type WireMessage } from '../wire-message.js';
import { SocketEnd } from './socket-end.js';
import { TurnBatch } from './turn-batch.js';

export interface LineOptions {
  readonly key?: string | undefined;
  readonly view?: string | undefined;
  /** Longest message that is taken. */
  readonly maxFrameBytes: number;
  readonly maxBufferedBytes: number;
}

const HELLO_ID = 'mcp-bridge:hello';

/**
 * Newline-delimited JSON. The hello line has no reply, so a ping behind it tells whether the client was let in.
 * @throws {BridgeError} UNAUTHENTICATED, UPSTREAM_UNAVAILABLE, …
 */
export function openLineWire(socket: Socket, options: LineOptions, events: WireEvents): Promise<Wire> {
  return new Promise((resolve, reject) => {
    new LineWire(socket, options, events, resolve, reject);
  });
}

class LineWire implements Wire {
  readonly #socket: Socket;
  readonly #options: LineOptions;
  readonly #events: WireEvents;
  readonly #end: SocketEnd;
  readonly #batch: TurnBatch;
  readonly #onOpen: (wire: Wire) => void;
  #isOpen = false;
  #rest = '';

  constructor(
    socket: Socket,
    options: LineOptions,
    events: WireEvents,
    onOpen: (wire: Wire) => void,
    onRefused: (error: BridgeError) => void,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#events = events;
    this.#onOpen = onOpen;
    this.#batch = new TurnBatch(socket);
    this.#end = new SocketEnd(socket, (error) => {
      if (this.#isOpen) events.onClosed(error);
      else onRefused(error);
    });
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#read(text));
    const { key, view } = options;
    this.#write({ jsonrpc: '2.0', method: 'notifications/bridge/hello', params: { key, view } });
    this.#write({ jsonrpc: '2.0', id: HELLO_ID, method: 'ping' });
  }

  send(message: WireMessage): void {
    if (this.#socket.writableLength > this.#options.maxBufferedBytes) {
      throw new BridgeError('OVERLOADED', 'Too much waits for the bridge to read; try again later');
    }
    this.#write(message);
  }

  finish(): void {
    this.#end.finish();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(message: WireMessage): void {
    this.#batch.write(`${JSON.stringify(message)}\n`);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#line(line);
    if (this.#rest.length > this.#options.maxFrameBytes) {
      this.#end.cut(new BridgeError('PAYLOAD_TOO_LARGE', 'The bridge sent a longer line than maxFrameBytes'));
    }
  }

  #line(line: string): void {
    let message: WireMessage;
    try {
      // Whatever it is, the SDK judges it.
      message = JSON.parse(line) as WireMessage;
    } catch (cause) {
      this.#events.onFault(
        new BridgeError('UPSTREAM_PROTOCOL', 'The bridge sent a line that is not JSON', { cause }),
      );
      return;
    }
    if (!this.#isOpen) this.#hello(message);
    else if (message.error !== undefined && message.id === undefined) this.#complaint(message);
    else this.#events.onMessage(message);
  }

  #hello(message: WireMessage): void {
    if (message.error !== undefined) this.#end.cut(errorOf(message));
    if (message.id !== HELLO_ID || message.error !== undefined) return;
    this.#isOpen = true;
    this.#onOpen(this);
  }

  /** An error that answers no request: why the connection ends, or that a message could not be read. */
  #complaint(message: WireMessage): void {
    const error = errorOf(message);
    this.#end.because(error);
    this.#events.onFault(error);
  }
}

function errorOf({ error }: WireMessage): BridgeError {
  const rpc = memberOf(error, 'code');
  const rows = Object.entries(ERRORS) as [ErrorCode, (typeof ERRORS)[ErrorCode]][]; // the table's own keys
  const code = rows.find(([, row]) => row.rpc === rpc)?.[0] ?? 'UPSTREAM_UNAVAILABLE';
  return new BridgeError(code, String(memberOf(error, 'message')));
}
