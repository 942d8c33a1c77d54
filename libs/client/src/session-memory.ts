import { BridgeError } from '@mcp-bridge/protocol';
import { memberOf, type WireMessage } from './wire-message.js';

/** What a replay needs of the new connection. */
export interface ReplayPort {
  /** Sends a request under an id of its own, and resolves with the reply. */
  request(message: WireMessage): Promise<WireMessage>;
  notify(message: WireMessage): void;
}

/**
 * What a legacy session consists of, as far as its client made it: `initialize`, the log level, the subscriptions.
 * A new connection is a new session; repeating these makes it the same for the client. Clients of 2026-07-28 have
 * no session, and nothing is remembered of them.
 */
export class SessionMemory {
  #initialize: WireMessage | undefined = undefined;
  #initialized: WireMessage | undefined = undefined;
  #version: unknown = undefined;
  #level: WireMessage | undefined = undefined;
  readonly #subscriptions = new Map<string, WireMessage>();

  /** A notification was sent. */
  notified(message: WireMessage): void {
    if (message.method === 'notifications/initialized') this.#initialized = message;
  }

  /** A request was answered. */
  answered(request: WireMessage, reply: WireMessage): void {
    if (reply.result === undefined) return;
    const uri = String(memberOf(request.params, 'uri'));
    switch (request.method) {
      case 'initialize':
        this.#initialize = request;
        this.#version = memberOf(reply.result, 'protocolVersion');
        break;
      case 'logging/setLevel':
        this.#level = request;
        break;
      case 'resources/subscribe':
        this.#subscriptions.set(uri, request);
        break;
      case 'resources/unsubscribe':
        this.#subscriptions.delete(uri);
        break;
      default:
    }
  }

  /**
   * Begins the session again on a new connection.
   * @throws {BridgeError} UPSTREAM_UNAVAILABLE when it is refused, UNSUPPORTED_VERSION when it would be another one
   */
  async replay(port: ReplayPort): Promise<void> {
    if (this.#initialize === undefined) return;
    const reply = await port.request(this.#initialize);
    if (reply.result === undefined) {
      const why = String(memberOf(reply.error, 'message'));
      throw new BridgeError('UPSTREAM_UNAVAILABLE', `The session cannot be begun again: ${why}`);
    }
    const version = memberOf(reply.result, 'protocolVersion');
    if (version !== this.#version) {
      throw new BridgeError(
        'UNSUPPORTED_VERSION',
        `The session was of ${String(this.#version)}, the new one would be of ${String(version)}; connect again`,
      );
    }
    if (this.#initialized === undefined) return;
    port.notify(this.#initialized);
    const rest = [...this.#subscriptions.values()];
    if (this.#level !== undefined) rest.push(this.#level);
    await Promise.all(rest.map((request) => port.request(request)));
  }
}
