import type { Envelope } from '@mcp-bridge/protocol';
import type { RespondToUpstream } from '../upstream/channel.js';

/** A question of a legacy upstream that waits for a modern client's retry. */
interface OpenAsk {
  /** Raw id at the upstream, for its own `notifications/cancelled`. */
  readonly upstreamId: string;
  /** Raw JSON `{"method":…,"params":…}`: an entry of `inputRequests`. */
  readonly question: string;
  readonly respond: RespondToUpstream;
}

/** The questions that an upstream has put during one call and that nobody has answered yet. */
export class OpenAsks {
  readonly #open = new Map<string, OpenAsk>();
  /** Upstream id → tells a legacy client that its answer is not needed any more. */
  readonly #relayed = new Map<string, (reason: string) => void>();
  #count = 0;

  get size(): number {
    return this.#open.size;
  }

  /** Keeps a question until `answer`; its key is unique within the call. */
  add(question: Envelope, respond: RespondToUpstream): void {
    this.#count += 1;
    const params =
      question.params.start < 0
        ? '{}'
        : question.bytes.toString('utf8', question.params.start, question.params.end);
    this.#open.set(`${question.method.replace('/', '-')}-${this.#count}`, {
      upstreamId: rawId(question),
      question: `{"method":${JSON.stringify(question.method)},"params":${params}}`,
      respond,
    });
  }

  /** Remembers a question that went straight to a legacy client. */
  addRelayed(question: Envelope, undo: (reason: string) => void): void {
    this.#relayed.set(rawId(question), undo);
  }

  /** Raw JSON of the `inputRequests` member. */
  inputRequests(): string {
    const entries = [...this.#open].map(([key, ask]) => `${JSON.stringify(key)}:${ask.question}`);
    return `{${entries.join(',')}}`;
  }

  /** Answers what the client answered; keys that were never asked are ignored. */
  answer(inputResponses: Readonly<Record<string, unknown>>): void {
    for (const [key, response] of Object.entries(inputResponses)) {
      const ask = this.#open.get(key);
      if (ask === undefined || typeof response !== 'object' || response === null) continue;
      this.#open.delete(key);
      ask.respond('result', Buffer.from(JSON.stringify(response)));
    }
  }

  /** The upstream does not need the answer any more. */
  withdraw(rawUpstreamId: string): void {
    this.#relayed.get(rawUpstreamId)?.('The server withdrew its request');
    this.#relayed.delete(rawUpstreamId);
    for (const [key, ask] of this.#open) if (ask.upstreamId === rawUpstreamId) this.#open.delete(key);
  }

  withdrawAll(reason: string): void {
    for (const undo of this.#relayed.values()) undo(reason);
    this.#relayed.clear();
    this.#open.clear();
  }

  /** Tells the upstream that no answer will come. */
  refuseAll(reason: string): void {
    const error = Buffer.from(JSON.stringify({ code: -32603, message: reason }));
    for (const ask of this.#open.values()) ask.respond('error', error);
    this.withdrawAll(reason);
  }
}

function rawId(question: Envelope): string {
  return question.bytes.toString('utf8', question.id.start, question.id.end);
}
