import type { CallSink } from '@mcp-bridge/link';
import { type BridgeError, errorReply, resultReply } from '@mcp-bridge/protocol';
import { eventFrame } from './event-frame.js';
import { PENDING_MS } from './legacy-call.js';
import type { HttpReply, ReplyOwner } from './reply.js';

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

/**
 * The reply to a JSON-RPC batch (2025-03-26 basic/transports): an array when nothing but responses comes and all
 * come soon, else an event stream with one event per message. Batches cannot be resumed.
 */
export class BatchReply implements ReplyOwner {
  readonly #reply: HttpReply;
  readonly #maxBytes: number;
  #pending: number;
  #responses: Buffer[] = [];
  #bytes = 0;

  /** @param requests - how many sinks and local answers will report */
  constructor(reply: HttpReply, requests: number, maxBytes: number) {
    this.#reply = reply;
    this.#pending = requests;
    this.#maxBytes = maxBytes;
    reply.owner = this;
    reply.watch(PENDING_MS);
  }

  /** The sink for one request of the batch. */
  sinkFor(id: string): CallSink {
    return {
      onMessage: (message) => this.#message(message),
      onResult: (result) => this.respond(resultReply(id, result)),
      onError: (error) => {
        if (error.code === 'CANCELLED') this.#done();
        else this.fail(id, error);
      },
    };
  }

  /** A whole response message. */
  respond(response: Buffer): void {
    if (this.#reply.streaming) this.#reply.event(eventFrame('', '', response, ''));
    else {
      this.#responses.push(response);
      this.#bytes += response.length;
      if (this.#bytes > this.#maxBytes) this.#stream();
    }
    this.#done();
  }

  fail(id: string, error: BridgeError): void {
    this.respond(errorReply(id, error));
  }

  clientGone(): void {
    this.#responses = [];
  }

  quiet(): void {
    this.#stream();
  }

  #message(message: Buffer): void {
    this.#stream();
    this.#reply.event(eventFrame('', '', message, ''));
  }

  #stream(): void {
    if (!this.#reply.open) return;
    this.#reply.openEvents();
    for (const response of this.#responses) this.#reply.event(eventFrame('', '', response, ''));
    this.#responses = [];
  }

  #done(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    if (this.#reply.streaming) this.#reply.endEvents('ok');
    else if (this.#responses.length === 0) this.#reply.empty(202);
    else this.#reply.json(200, arrayOf(this.#responses), 'ok');
  }
}

function arrayOf(messages: readonly Buffer[]): Buffer {
  const parts = messages.flatMap((message, index) => (index === 0 ? [message] : [COMMA, message]));
  return Buffer.concat([OPEN, ...parts, CLOSE]);
}
