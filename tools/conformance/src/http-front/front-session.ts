import { randomUUID } from 'node:crypto';
import type { Wire, WireListener } from '../wires/wire.js';
import { isUnsolicited, readMessage, statusOf, type Message } from './message.js';
import type { Reply } from './reply.js';

interface Pending {
  readonly reply: Reply;
  readonly progressToken: string | number | undefined;
}

/**
 * One wire and the HTTP exchanges that share it: those of a legacy session, or the single one of a stateless
 * request. The wire has all messages in one stream; what belongs to no request by its id or progress token goes to
 * the oldest request that waits.
 */
export class FrontSession implements WireListener {
  /** `Mcp-Session-Id`; `''` for a stateless request. */
  readonly id: string;
  /** The bridge closed the wire, or we did. */
  closed = false;
  readonly #pending = new Map<string, Pending>();
  #wire: Wire | undefined;
  #general: Reply | undefined;

  constructor(isStateless: boolean) {
    this.id = isStateless ? '' : randomUUID();
  }

  attach(wire: Wire): void {
    this.#wire = wire;
  }

  /** Passes a request on; the reply ends with what the bridge answers. */
  request(text: string, { id, params }: Message, reply: Reply): void {
    this.#pending.set(keyOf(id), { reply, progressToken: params?._meta?.progressToken });
    this.send(text);
  }

  send(text: string): void {
    this.#wire?.send(text);
  }

  /** Takes over the GET stream. */
  listen(reply: Reply): void {
    this.#general?.end(200);
    this.#general = reply;
    reply.openStream();
  }

  unlisten(reply: Reply): void {
    if (this.#general === reply) this.#general = undefined;
  }

  close(): void {
    this.#wire?.close();
  }

  onMessage(text: string): void {
    const message = readMessage(text);
    if (message.method === undefined) this.#answered(text, message);
    else this.#streamFor(message)?.event(text);
  }

  onClose(): void {
    this.closed = true;
    for (const { reply } of this.#pending.values()) reply.end(502);
    this.#general?.end(200);
  }

  #answered(text: string, message: Message): void {
    const inSession = this.id !== '';
    // An error without an id is the answer to what could not be read.
    const key = this.#pending.has(keyOf(message.id)) ? keyOf(message.id) : (this.#oldestKey() ?? '');
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    const headers = inSession ? { 'mcp-session-id': this.id } : {};
    pending?.reply.finish(text, statusOf(message, inSession), headers);
    if (!inSession) this.close();
  }

  #streamFor(message: Message): Reply | undefined {
    const oldest = this.#pending.get(this.#oldestKey() ?? '')?.reply;
    if (isUnsolicited(message)) return this.#general ?? oldest;
    const token = message.params?.progressToken;
    if (token === undefined) return oldest ?? this.#general;
    return [...this.#pending.values()].find(({ progressToken }) => progressToken === token)?.reply ?? oldest;
  }

  #oldestKey(): string | undefined {
    return this.#pending.keys().next().value;
  }
}

/** Tells `1` from `"1"`. */
function keyOf(id: string | number | null | undefined): string {
  return JSON.stringify(id ?? null);
}
