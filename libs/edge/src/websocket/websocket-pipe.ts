import type { WebSocket } from 'uWebSockets.js';
import type { CloseReason, MessagePipe } from '../channels/message-pipe.js';

/** Close codes of RFC 6455 section 7.4 and its registry, and what is said with them. */
const CLOSING: Readonly<Record<Exclude<CloseReason, 'slow'>, readonly [code: number, text: string]>> = {
  draining: [1001, 'The gateway is shutting down; connect again'],
  'session-ended': [1012, 'The session has ended; connect and initialize again'],
  'too-large': [1009, 'The message is too large; see gateway.maxBodyBytes'],
  revoked: [1008, 'The API key is not valid any more'],
  failed: [1011, 'Internal error'],
};

/** What `WebSocket.send` answers when the backpressure limit was passed before. */
const DROPPED = 2;

/** The outgoing half of one WebSocket, and the only code that touches it: after its close event that throws. */
export class WebSocketPipe<UserData> implements MessagePipe {
  readonly #ws: WebSocket<UserData>;
  #open = true;
  #ending: readonly [code: number, text: string] | undefined = undefined;

  constructor(ws: WebSocket<UserData>) {
    this.#ws = ws;
  }

  /** One text frame, uncompressed. */
  send(message: Buffer): boolean {
    if (!this.#open || this.#ending !== undefined) return true;
    return this.#ws.send(message, false, false) !== DROPPED;
  }

  close(reason: CloseReason): void {
    if (!this.#open) return;
    // A close frame would wait behind what this client does not read.
    if (reason === 'slow') this.#ws.close();
    else this.end(...CLOSING[reason]);
  }

  /** Sends a close frame after everything that was sent. */
  end(code: number, text: string): void {
    if (!this.#open || this.#ending !== undefined) return;
    this.#ending = [code, text];
    this.drained();
  }

  /** To be called when the socket has taken what waited. */
  drained(): void {
    // Ended with data waiting, it could be cut before that is written.
    if (!this.#open || this.#ending === undefined || this.#ws.getBufferedAmount() > 0) return;
    this.#ws.end(...this.#ending);
  }

  /** To be called on the close event. */
  closed(): void {
    this.#open = false;
  }
}
