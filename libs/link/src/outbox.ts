import type { CallRequest, CancelReason, InputMessage, KeepResult } from './link.js';
import { FRAME, type Hello, LARGE_PAYLOAD_BYTES, MAX_BATCH_BYTES, type ReplyKind } from './frames.js';
import { ContextTable } from './context-table.js';
import { FrameWriter } from './frame-writer.js';
import { Lane, type Outgoing, costOf, remainingMs } from './outgoing.js';

export interface OutboxOptions {
  /** Hands a batch to the stream; `done` is called once the stream no longer needs the buffer. */
  readonly write: (batch: Buffer, done: () => void) => void;
  readonly now: () => number;
  /** Bytes that may wait for one call behind the message that it is sending. */
  readonly maxBufferedBytesPerCall: number;
  /** Bytes that may wait for all calls together. */
  readonly maxBufferedBytes: number;
}

/** Bytes handed to the stream and not yet taken by the socket. More would only queue there, out of our order. */
const MAX_BYTES_IN_STREAM = 2 * MAX_BATCH_BYTES;
/** Writers kept for the next batches. */
const MAX_SPARE = 4;
/**
 * So many frames leave without waiting for the turn's end. With one batch a turn, gateway and router took turns under
 * load, each idle while the other worked.
 */
const FRAMES_AT_ONCE = 32;

/**
 * The sending half of a link. Frames of one event-loop turn leave as one batch at its end, many as several. While the
 * stream is congested or the peer's credit is used up, payloads wait in a lane per call; lanes take turns, each with
 * one message, or with as much of a large one as the batch has room for.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #contexts = new ContextTable();
  readonly #lanes = new Map<number, Lane>();
  #firstLane: Lane | undefined = undefined;
  #lastLane: Lane | undefined = undefined;
  #bufferedBytes = 0;
  #writer = new FrameWriter();
  readonly #spare: FrameWriter[] = [];
  #batchNumber = 1;
  /** Small calls and replies in the current batch. */
  #frames = 0;
  #credit = 0;
  #bytesInStream = 0;
  #flushScheduled = false;
  #closed = false;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Bytes that wait because the stream is congested. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Sends a call.
   *
   * @returns for `mayHaveLeft`, or -1 when too much waits already: the call was not taken
   */
  call(id: number, request: CallRequest, deadlineAt: number): number {
    const params = request.params;
    if (this.#hasRoom(params.length + 512)) {
      const context = this.#contexts.ofCall(request, this.#writer);
      const timeoutMs = remainingMs(deadlineAt, deadlineAt === 0 ? 0 : this.#options.now());
      this.#writer.call(id, context, timeoutMs, request, false);
      const batchNumber = this.#batchNumber;
      this.#frameAdded();
      return batchNumber;
    }
    return this.#enqueue(id, { kind: FRAME.CALL, payload: params, request, deadlineAt }) ? 0 : -1;
  }

  /** False when the message was not taken because too much waits already. */
  input(id: number, input: InputMessage): boolean {
    if (this.#hasRoom(input.message.length + 512)) {
      const context = this.#contexts.ofInput(input, this.#writer);
      this.#writer.input(id, context, input.session, input.message, false);
      this.#scheduleFlush();
      return true;
    }
    return this.#enqueue(id, { kind: FRAME.INPUT, payload: input.message, input });
  }

  /** False when the message was not taken because too much waits already. */
  reply(kind: ReplyKind, id: number, payload: Buffer, keep?: KeepResult): boolean {
    if ((this.#lanes.size === 0 || !this.#lanes.has(id)) && this.#hasRoom(payload.length)) {
      this.#writer.reply(kind, id, payload, false, keep);
      this.#frameAdded();
      return true;
    }
    return this.#enqueue(id, { kind, payload, keep });
  }

  /** Gives up what waits for the call and ends it with this ERROR payload, whatever else waits. */
  fail(id: number, error: Buffer): void {
    this.drop(id);
    this.#writer.reply(FRAME.ERROR, id, error, false);
    this.#scheduleFlush();
  }

  /** Gives up what waits for the call and, when any of the call has left, tells the peer. */
  cancel(id: number, reason: CancelReason): void {
    if (this.drop(id)) return;
    this.#writer.cancel(id, reason);
    this.#scheduleFlush();
  }

  /** Gives up what waits for the call. True when all of it still waited: the peer knows nothing of the call. */
  drop(id: number): boolean {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return false;
    this.#lanes.delete(id);
    this.#bufferedBytes -= lane.bufferedBytes;
    lane.dropped = true;
    return !lane.begun;
  }

  /** False when the peer cannot have received the whole of the call that `call` gave this number. */
  mayHaveLeft(id: number, batchNumber: number): boolean {
    return batchNumber < this.#batchNumber && !this.#lanes.has(id);
  }

  /** True while some of the call waits in its lane. */
  waits(id: number): boolean {
    return this.#lanes.has(id);
  }

  drain(): void {
    this.#writer.drain();
    this.#scheduleFlush();
  }

  /** Overtakes what waits in lanes; results name their epoch for that. */
  stale(epoch: number): void {
    this.#writer.stale(epoch);
    this.#scheduleFlush();
  }

  sessionStale(session: string): void {
    this.#writer.sessionStale(session);
    this.#scheduleFlush();
  }

  /** Costs no credit: sent before the peer has given any. */
  hello(hello: Hello): void {
    this.#sendFree((writer) => writer.hello(hello));
  }

  /** Costs no credit: two links that wait for each other's would wait for ever. */
  grant(bytes: number): void {
    this.#sendFree((writer) => writer.credit(bytes));
  }

  addCredit(bytes: number): void {
    const wasOut = this.#credit <= 0;
    this.#credit += bytes;
    if (wasOut) this.#scheduleFlush();
  }

  /** Runs `then` once everything has been handed over; at once when nothing waits. */
  whenEmpty(then: () => void): void {
    this.#onEmpty = then;
    this.#scheduleFlush();
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closed = true;
    this.#lanes.clear();
    this.#firstLane = undefined;
    this.#bufferedBytes = 0;
  }

  /**
   * True when a payload may go into the current batch at once. While lanes wait, half of each batch is theirs;
   * what does not fit then joins them, so that neither small nor large calls starve.
   */
  #hasRoom(bytes: number): boolean {
    if (bytes > LARGE_PAYLOAD_BYTES) return false;
    if (this.#fits(bytes)) return true;
    this.#flush();
    return this.#fits(bytes);
  }

  #fits(bytes: number): boolean {
    const limit = this.#lanes.size === 0 ? MAX_BATCH_BYTES : MAX_BATCH_BYTES / 2;
    return this.#writer.length + bytes <= limit;
  }

  #enqueue(id: number, message: Outgoing): boolean {
    const bytes = costOf(message);
    let lane = this.#lanes.get(id);
    // A lone message may be larger than the limit per call: payloads have a limit of their own.
    const tooMuchOfCall =
      lane !== undefined && lane.bufferedBytes + bytes > this.#options.maxBufferedBytesPerCall;
    if (tooMuchOfCall || this.#bufferedBytes + bytes > this.#options.maxBufferedBytes) return false;
    if (lane === undefined) {
      lane = new Lane(id);
      this.#lanes.set(id, lane);
      this.#appendLane(lane);
    }
    lane.push(message);
    this.#bufferedBytes += bytes;
    this.#scheduleFlush();
    return true;
  }

  #appendLane(lane: Lane): void {
    lane.next = undefined;
    if (this.#firstLane === undefined || this.#lastLane === undefined) this.#firstLane = lane;
    else this.#lastLane.next = lane;
    this.#lastLane = lane;
  }

  #frameAdded(): void {
    this.#frames += 1;
    if (this.#frames >= FRAMES_AT_ONCE) this.#flush();
    else this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#flushScheduled = false;
    this.#flush();
    // Only here: a flush in mid-turn may come just before one more frame.
    if (this.#onEmpty === undefined || this.#writer.length > 0 || this.#lanes.size > 0) return;
    const then = this.#onEmpty;
    this.#onEmpty = undefined;
    then();
  };

  #flush(): void {
    while (!this.#closed && this.#bytesInStream < MAX_BYTES_IN_STREAM && this.#credit > 0) {
      this.#fill();
      if (this.#writer.length === 0) break;
      this.#send();
    }
  }

  /** Lets the lanes fill what is left of the batch. */
  #fill(): void {
    const now = this.#firstLane === undefined ? 0 : this.#options.now();
    while (this.#firstLane !== undefined && this.#writer.length < MAX_BATCH_BYTES) {
      const lane: Lane = this.#firstLane;
      this.#firstLane = lane.next;
      if (lane.dropped) continue;
      this.#bufferedBytes -= lane.step(this.#writer, this.#contexts, now);
      if (lane.empty) this.#lanes.delete(lane.id);
      else this.#appendLane(lane);
    }
  }

  #send(): void {
    const writer = this.#writer;
    this.#writer = this.#spare.pop() ?? new FrameWriter();
    this.#batchNumber++;
    this.#frames = 0;
    const bytes = writer.length;
    this.#credit -= bytes;
    this.#bytesInStream += bytes;
    this.#options.write(writer.finish(), () => {
      this.#bytesInStream -= bytes;
      if (writer.reusable && this.#spare.length < MAX_SPARE) {
        writer.clear();
        this.#spare.push(writer);
      }
      if (this.#writer.length > 0 || this.#firstLane !== undefined) this.#scheduleFlush();
    });
  }

  #sendFree(write: (writer: FrameWriter) => void): void {
    if (this.#closed) return;
    const writer = this.#spare.pop() ?? new FrameWriter();
    write(writer);
    this.#options.write(writer.finish(), () => {
      writer.clear();
      if (this.#spare.length < MAX_SPARE) this.#spare.push(writer);
    });
  }
}
