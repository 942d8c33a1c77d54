import { BridgeError } from '@mcp-bridge/protocol';
import type { WebSocket } from 'ws';
import type { Wire, WireEvents } from '../wire.js';
import type { WireMessage } from '../wire-message.js';

export interface WebSocketWireOptions {
  readonly maxBufferedBytes: number;
  readonly keepAliveMs: number;
}

/** A bridge that does not finish the closing handshake within this time is cut off. */
const CLOSING_MS = 2_000;

/** One open WebSocket; each text message is one JSON-RPC message. */
export class WebSocketWire implements Wire {
  readonly #ws: WebSocket;
  readonly #options: WebSocketWireOptions;
  readonly #events: WireEvents;
  readonly #lifeCheck: NodeJS.Timeout;
  #why: BridgeError | undefined = undefined;
  #heard = true;
  #asked = false;

  constructor(ws: WebSocket, options: WebSocketWireOptions, events: WireEvents) {
    this.#ws = ws;
    this.#options = options;
    this.#events = events;
    this.#lifeCheck = setInterval(() => this.#checkLife(), options.keepAliveMs).unref();
    const heard = (): void => {
      this.#heard = true;
    };
    ws.on('ping', heard);
    ws.on('pong', heard);
    ws.on('message', (data: Buffer) => this.#message(data));
    ws.on('error', (cause) => {
      this.#why ??= new BridgeError('UPSTREAM_UNAVAILABLE', `The connection failed: ${cause.message}`, {
        cause,
      });
    });
    ws.on('close', (code, text) => {
      clearInterval(this.#lifeCheck);
      const said = text.length > 0 ? `: ${text.toString('utf8')}` : '';
      events.onClosed(
        this.#why ??
          new BridgeError('UPSTREAM_UNAVAILABLE', `The bridge closed the connection with ${code}${said}`),
      );
    });
  }

  send(message: WireMessage): void {
    if (this.#ws.bufferedAmount > this.#options.maxBufferedBytes) {
      throw new BridgeError('OVERLOADED', 'Too much waits for the bridge to read; try again later');
    }
    // A failure is followed by the close event, which answers for it.
    this.#ws.send(JSON.stringify(message), () => undefined);
  }

  finish(): void {
    this.#ws.close(1000);
    setTimeout(() => this.#ws.terminate(), CLOSING_MS).unref();
  }

  destroy(): void {
    this.#ws.terminate();
  }

  #message(data: Buffer): void {
    this.#heard = true;
    let message: WireMessage;
    try {
      // Whatever it is, the SDK judges it.
      message = JSON.parse(data.toString('utf8')) as WireMessage;
    } catch (cause) {
      this.#events.onFault(
        new BridgeError('UPSTREAM_PROTOCOL', 'The bridge sent a message that is not JSON', { cause }),
      );
      return;
    }
    this.#events.onMessage(message);
  }

  #checkLife(): void {
    if (!this.#heard && this.#asked) {
      this.#why ??= new BridgeError('UPSTREAM_UNAVAILABLE', 'The bridge gives no sign of life');
      this.#ws.terminate();
      return;
    }
    this.#asked = !this.#heard;
    if (this.#asked) this.#ws.ping();
    this.#heard = false;
  }
}
