import { type Envelope, rawBytes, replaceSpan } from '@mcp-bridge/protocol';

/** Resource subscriptions that are remembered. */
const MAX_SUBSCRIPTIONS = 1_000;

/**
 * What a legacy client has said that shaped its session: the relay says it again on a new connection, with ids of
 * its own, and the client need not know that it has another session.
 */
export class SessionMemory {
  #initialize: Envelope | undefined = undefined;
  #established = false;
  #initialized: Buffer | undefined = undefined;
  #level: Envelope | undefined = undefined;
  readonly #subscriptions = new Map<string, Envelope>();

  /** Notes a message that the client sent. */
  sent(envelope: Envelope): void {
    if (envelope.protocolVersion !== undefined) return;
    switch (envelope.method) {
      case 'initialize':
        if (!this.#established) this.#initialize = envelope;
        break;
      case 'notifications/initialized':
        this.#initialized = rawBytes(envelope.bytes, envelope.message);
        break;
      case 'logging/setLevel':
        this.#level = envelope;
        break;
      case 'resources/subscribe':
        if (this.#subscriptions.size < MAX_SUBSCRIPTIONS) {
          this.#subscriptions.set(envelope.name ?? '', envelope);
        }
        break;
      case 'resources/unsubscribe':
        this.#subscriptions.delete(envelope.name ?? '');
        break;
      default:
    }
  }

  /** Notes a reply to the client; the id is that of one of its requests. */
  answered(method: string, reply: Envelope): void {
    if (method === 'initialize' && reply.kind === 'result') this.#established = true;
  }

  /** The client's own `initialize`, while it has no answer. */
  unanswered(): Buffer | undefined {
    if (this.#established || this.#initialize === undefined) return undefined;
    return rawBytes(this.#initialize.bytes, this.#initialize.message);
  }

  /** What begins the session again; undefined when the client has none. */
  initialize(id: string): Buffer | undefined {
    return this.#established && this.#initialize !== undefined ? withId(this.#initialize, id) : undefined;
  }

  /** What follows the answer to that. Requests get ids from `nextId`; nobody waits for their answers. */
  followUp(nextId: () => string): readonly Buffer[] {
    const requests = [...(this.#level === undefined ? [] : [this.#level]), ...this.#subscriptions.values()];
    return [
      ...(this.#initialized === undefined ? [] : [this.#initialized]),
      ...requests.map((envelope) => withId(envelope, nextId())),
    ];
  }
}

/** The message with another id: raw JSON. */
function withId(envelope: Envelope, id: string): Buffer {
  const { bytes, message, id: span } = envelope;
  const whole = rawBytes(bytes, message);
  return replaceSpan(whole, { start: span.start - message.start, end: span.end - message.start }, id);
}
