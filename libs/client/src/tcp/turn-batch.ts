import type { Socket } from 'node:net';

/** Holds a socket's writes back until the end of the turn, so that they leave as one. */
export class TurnBatch {
  readonly #socket: Socket;
  #held = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Buffer | string): void {
    if (!this.#held) {
      this.#held = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#held = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }
}
