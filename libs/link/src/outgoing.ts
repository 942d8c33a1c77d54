import type { CallRequest, InputMessage, KeepResult } from './link.js';
import { FRAME, LARGE_PAYLOAD_BYTES, MAX_BATCH_BYTES, MIN_CHUNK_BYTES, type ReplyKind } from './frames.js';
import type { ContextTable } from './context-table.js';
import type { FrameWriter } from './frame-writer.js';

/** One message with a payload, on its way out; encoded only when it gets its place in a batch. */
export type Outgoing = OutgoingReply | OutgoingCall | OutgoingInput;

interface OutgoingReply {
  readonly kind: ReplyKind;
  readonly payload: Buffer;
  readonly keep: KeepResult | undefined;
}

interface OutgoingCall {
  readonly kind: typeof FRAME.CALL;
  readonly payload: Buffer;
  readonly request: CallRequest;
  /** Monotonic milliseconds; 0 for a call without a limit. */
  readonly deadlineAt: number;
}

interface OutgoingInput {
  readonly kind: typeof FRAME.INPUT;
  readonly payload: Buffer;
  readonly input: InputMessage;
}

/** What is left of the time until the deadline, for the wire: 0 means that there is no limit. */
export function remainingMs(deadlineAt: number, now: number): number {
  return deadlineAt === 0 ? 0 : Math.min(Math.max(1, Math.ceil(deadlineAt - now)), 0xffff_ffff);
}

/** What a waiting message costs besides its payload, so that a flood of empty ones is bounded too. */
const OVERHEAD_BYTES = 128;

/** What a waiting message counts against the limits. */
export function costOf(message: Outgoing): number {
  return message.payload.length + OVERHEAD_BYTES;
}

/** The messages of one call that had to wait. They leave in order; calls take turns. */
export class Lane {
  readonly id: number;
  bufferedBytes = 0;
  /** Given up: skipped when its turn comes. */
  dropped = false;
  next: Lane | undefined = undefined;
  readonly #messages: Outgoing[] = [];
  #sent = 0;
  /** How much of the first message's payload has left; -1 when not even its head has. */
  #offset = -1;
  #begun = false;

  constructor(id: number) {
    this.id = id;
  }

  get empty(): boolean {
    return this.#sent === this.#messages.length;
  }

  /** True when some of the first message has left. */
  get begun(): boolean {
    return this.#begun;
  }

  push(message: Outgoing): void {
    this.#messages.push(message);
    this.bufferedBytes += costOf(message);
  }

  /** Writes one small message, the head of a large one, or a chunk. Returns how much less waits now. */
  step(writer: FrameWriter, contexts: ContextTable, now: number): number {
    const message = this.#messages[this.#sent];
    if (message === undefined) return 0;
    this.#begun = true;
    const total = message.payload.length;
    if (this.#offset < 0) {
      const inChunks = total > LARGE_PAYLOAD_BYTES;
      writeHead(writer, contexts, this.id, message, inChunks, now);
      if (inChunks) {
        this.#offset = 0;
        return 0;
      }
      return this.#left(OVERHEAD_BYTES + total);
    }
    const from = this.#offset;
    const room = MAX_BATCH_BYTES - writer.length;
    const to = Math.min(total, from + Math.max(MIN_CHUNK_BYTES, room));
    writer.chunk(this.id, message.payload, from, to);
    this.#offset = to;
    if (to < total) {
      this.bufferedBytes -= to - from;
      return to - from;
    }
    return this.#left(OVERHEAD_BYTES + to - from);
  }

  #left(bytes: number): number {
    this.bufferedBytes -= bytes;
    this.#offset = -1;
    this.#sent++;
    if (this.#sent > 64 && this.#sent * 2 > this.#messages.length) {
      this.#messages.splice(0, this.#sent);
      this.#sent = 0;
    }
    return bytes;
  }
}

function writeHead(
  writer: FrameWriter,
  contexts: ContextTable,
  id: number,
  message: Outgoing,
  inChunks: boolean,
  now: number,
): void {
  switch (message.kind) {
    case FRAME.CALL: {
      const context = contexts.ofCall(message.request, writer);
      writer.call(id, context, remainingMs(message.deadlineAt, now), message.request, inChunks);
      return;
    }
    case FRAME.INPUT: {
      const context = contexts.ofInput(message.input, writer);
      writer.input(id, context, message.input.session, message.payload, inChunks);
      return;
    }
    default:
      writer.reply(message.kind, id, message.payload, inChunks, message.keep);
  }
}
