import type { Socket } from 'node:net';
import { BridgeError } from '@mcp-bridge/protocol';

/** A bridge that does not close its side within this time is cut off. */
const CLOSING_MS = 2_000;

/** The last part of a socket's life, the same for both modes. */
export class SocketEnd {
  readonly #socket: Socket;
  #why: BridgeError | undefined = undefined;
  #finishing = false;

  /** @param onClosed - hears once why it ended */
  constructor(socket: Socket, onClosed: (error: BridgeError) => void) {
    this.#socket = socket;
    socket.on('error', (cause) => {
      this.#why ??= new BridgeError('UPSTREAM_UNAVAILABLE', `The connection failed: ${cause.message}`, {
        cause,
      });
    });
    socket.on('close', () =>
      onClosed(this.#why ?? new BridgeError('UPSTREAM_UNAVAILABLE', 'The bridge closed the connection')),
    );
  }

  /** Remembers why it is about to end; the first reason counts. */
  because(error: BridgeError): void {
    this.#why ??= error;
  }

  /** Ends it now. */
  cut(error: BridgeError): void {
    this.because(error);
    this.#socket.destroy();
  }

  /** Ends it after what was written. */
  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), CLOSING_MS).unref();
  }
}
