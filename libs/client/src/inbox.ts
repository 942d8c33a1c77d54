import { isRequest, isResponse, type WireMessage } from './wire-message.js';

/**
 * Hands messages to the SDK in order, and nothing behind a notification in the same turn of the event loop. The
 * SDKs run the handlers of notifications a moment later, but take replies at once: a progress notification that
 * came in one packet with its reply would find its handler gone.
 */
export class Inbox {
  readonly #deliver: (message: WireMessage) => void;
  #held: WireMessage[] = [];
  #blocked = false;
  readonly #unblock = (): void => {
    this.#blocked = false;
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.add(message);
  };

  constructor(deliver: (message: WireMessage) => void) {
    this.#deliver = deliver;
  }

  add(message: WireMessage): void {
    if (this.#blocked) {
      this.#held.push(message);
      return;
    }
    if (!isResponse(message) && !isRequest(message)) {
      this.#blocked = true;
      setImmediate(this.#unblock);
    }
    this.#deliver(message);
  }

  /** Hands over what is left, because nothing comes after it. */
  flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.#deliver(message);
  }
}
