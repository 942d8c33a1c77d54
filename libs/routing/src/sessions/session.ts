import { BridgeError, notificationMessage, requestMessage } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { CallSink, Principal } from '@mcp-bridge/link';
import type { ActiveCall } from '../dispatch/active-call.js';
import type { UpstreamChannel } from '../upstream/channel.js';
import { ReplayStream } from './replay-stream.js';

/** Streams whose messages can be replayed, per session. */
const MAX_STREAMS = 64;
/** Unsolicited messages kept while the client has no GET stream open. */
const MAX_BACKLOG = 64;
/** Requests to the client that may wait for its answer at once, per session. */
const MAX_ASKED = 256;

/** What becomes of a request that was sent to the client. */
export interface ClientAnswer {
  onResult(result: Buffer): void;
  /** Raw JSON of the client's error member. */
  onError(error: Buffer): void;
}

interface Asked {
  readonly answer: ClientAnswer;
  readonly call: ActiveCall | undefined;
}

/**
 * The mutable part of a legacy session at its home router: log level, subscriptions, calls in flight, requests
 * that wait for the client, streams for replay. Everything here can be lost with the router: the session token
 * alone re-creates it, and the client notices only missing replays.
 */
export class Session {
  readonly id: string;
  readonly principal: Principal;
  readonly view: string;
  /** Level of `logging/setLevel`; `''` until the client chose one. */
  logLevel = '';
  /** URI → undo of the upstream subscription. */
  readonly subscriptions = new Map<string, () => void>();
  /** Server → the channel of this session's own that was lost last; until there is another. */
  readonly lostChannels = new Map<string, UpstreamChannel>();
  /** Gateways may give it lists without asking here. */
  listsKept = false;
  lastUsedAt: number;
  /** The oldest first. Lists, because they are short: with every call a map would make its table anew. */
  readonly #calls: ActiveCall[] = [];
  readonly #asked = new Map<string, Asked>();
  readonly #streams: ReplayStream[] = [];
  readonly #openStreams: ActiveCall[] = [];
  readonly #forgetStream = (stream: ReplayStream): void => drop(this.#streams, stream);
  #backlog: Buffer[] = [];
  #askCount = 0;
  #ended = false;

  constructor(id: string, principal: Principal, view: string, now: number) {
    this.id = id;
    this.principal = principal;
    this.view = view;
    this.lastUsedAt = now;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get idle(): boolean {
    return this.#calls.length === 0 && this.#openStreams.length === 0;
  }

  belongsTo(principal: Principal): boolean {
    return this.principal.tenant === principal.tenant && this.principal.id === principal.id;
  }

  track(call: ActiveCall): void {
    this.#calls.push(call);
    call.onEnd(() => {
      drop(this.#calls, call);
      if (this.#asked.size === 0) return;
      for (const [key, asked] of this.#asked) if (asked.call === call) this.#asked.delete(key);
    });
  }

  /** The client's `notifications/cancelled` for one of its own requests; unknown ids are ignored. */
  cancel(rawRequestId: string, reason: string): void {
    this.#calls.findLast(({ request }) => request.clientRequestId === rawRequestId)?.withdraw(reason);
  }

  /** A stream that keeps what is sent for a call, or for the GET stream, under the edge's stream id. */
  openReplay(streamId: string, requestId: string): ReplayStream {
    const stream = new ReplayStream(streamId, requestId, this.#forgetStream);
    this.#streams.push(stream);
    if (this.#streams.length > MAX_STREAMS) this.#streams.shift();
    return stream;
  }

  resume(streamId: string, after: number, reader: CallSink): ReplayStream | undefined {
    const stream = this.#streams.findLast(({ id }) => id === streamId);
    stream?.resume(after, reader);
    return stream;
  }

  /** Registers a GET stream; the newest open one carries what belongs to no request. */
  attachStream(call: ActiveCall): void {
    this.#openStreams.push(call);
    call.onEnd(() => drop(this.#openStreams, call));
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const message of backlog) call.send(message);
  }

  /** Sends a message that belongs to no request, on exactly one stream (requirement 24). */
  notify(message: Buffer): void {
    const stream = this.#openStreams.at(-1);
    if (stream !== undefined) {
      stream.send(message);
      return;
    }
    this.#backlog.push(message);
    if (this.#backlog.length > MAX_BACKLOG) this.#backlog.shift();
  }

  /**
   * Sends a request to the client on the stream of the call that caused it, else on the GET stream, else on the
   * newest call's (some servers ask for roots as soon as they are initialized, before they know the call).
   * @returns undo: tells the client that nobody waits any more; `undefined` when it cannot be asked now
   */
  ask(
    call: ActiveCall | undefined,
    method: string,
    params: Buffer,
    answer: ClientAnswer,
  ): ((reason: string) => void) | undefined {
    const stream = call ?? this.#openStreams.at(-1) ?? this.#calls.at(-1);
    if (stream === undefined || stream.ended || this.#asked.size >= MAX_ASKED) return undefined;
    this.#askCount += 1;
    // The router's share of the id space of this session: random enough not to meet another router's.
    const id = `"bridge-${this.#askCount}-${Math.random().toString(36).slice(2, 10)}"`;
    this.#asked.set(id, { answer, call: stream });
    stream.send(requestMessage(id, method, params));
    return (reason) => {
      if (!this.#asked.delete(id)) return;
      const cancelled = Buffer.from(`{"requestId":${id},"reason":${JSON.stringify(reason)}}`);
      stream.send(notificationMessage('notifications/cancelled', cancelled));
    };
  }

  /** The client's reply to a request of ours; replies that nobody waits for are dropped. */
  answer(reply: Envelope): void {
    const id = reply.bytes.toString('utf8', reply.id.start, reply.id.end);
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    if (reply.kind === 'result') {
      asked.answer.onResult(reply.bytes.subarray(reply.result.start, reply.result.end));
    } else {
      asked.answer.onError(reply.bytes.subarray(reply.error.start, reply.error.end));
    }
  }

  end(reason: string): void {
    this.#ended = true;
    for (const undo of this.subscriptions.values()) undo();
    this.subscriptions.clear();
    const error = new BridgeError('SESSION_NOT_FOUND', `Session ended: ${reason}`);
    for (const call of [...this.#calls]) call.abort(error);
    for (const stream of [...this.#openStreams]) stream.finish(Buffer.from('{}'));
    this.#asked.clear();
    this.#streams.length = 0;
  }
}

/** Looks from the end: what leaves came last, mostly. */
function drop<Item>(list: Item[], item: Item): void {
  const index = list.lastIndexOf(item);
  if (index === list.length - 1) list.pop();
  else if (index >= 0) list.splice(index, 1);
}
