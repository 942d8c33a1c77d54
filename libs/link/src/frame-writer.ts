import type { CallRequest, CancelReason, KeepResult } from './link.js';
import {
  CALL_HAS,
  type CallContext,
  FRAME,
  type Hello,
  IN_CHUNKS,
  KNOWN_METHODS,
  MAX_BATCH_BYTES,
  MAY_BE_KEPT,
  MIN_CHUNK_BYTES,
  type ReplyKind,
} from './frames.js';

/**
 * Room kept in front of the frames for the protobuf key and length of the message that carries the batch, so
 * that sending needs no second buffer.
 */
const HEADROOM = 6;
const FIELD_ONE_BYTES = 0x0a;
/** Room for a full batch and one chunk that goes beyond it. */
const BUFFER_BYTES = MAX_BATCH_BYTES + MIN_CHUNK_BYTES + 64;

const methodCodes = new Map(KNOWN_METHODS.map((method, code) => [method, code]));

/** Collects frames into one batch. */
export class FrameWriter {
  #bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #at = HEADROOM;

  /** Bytes of frames so far. */
  get length(): number {
    return this.#at - HEADROOM;
  }

  /** False when a huge frame made the buffer grow: then it is not worth keeping. */
  get reusable(): boolean {
    return this.#bytes.length <= BUFFER_BYTES;
  }

  clear(): void {
    this.#at = HEADROOM;
  }

  /** The batch as a serialized ConnectRequest or ConnectResponse; valid until `clear`. */
  finish(): Buffer {
    let length = this.length;
    let start = HEADROOM - 1 - varintBytes(length);
    const first = start;
    this.#bytes[start++] = FIELD_ONE_BYTES;
    for (; length > 0x7f; length >>>= 7) this.#bytes[start++] = (length & 0x7f) | 0x80;
    this.#bytes[start] = length;
    return this.#bytes.subarray(first, this.#at);
  }

  hello(hello: Hello): void {
    const frame = this.#begin(FRAME.HELLO, 14);
    this.#u16(hello.version);
    this.#u32(hello.window);
    this.#u32(hello.maxPayloadBytes);
    this.#u32(hello.maxInFlight);
    this.#string(hello.routerId);
    this.#end(frame);
  }

  context(number: number, context: CallContext): void {
    const frame = this.#begin(FRAME.CONTEXT, 2);
    this.#u16(number);
    this.#string(context.tenant);
    this.#string(context.principal);
    this.#string(context.view);
    this.#string(context.protocolVersion);
    this.#string(context.capabilities);
    this.#string(context.clientInfo);
    this.#end(frame);
  }

  /** @param inChunks - leave `params` out; CHUNK frames follow */
  call(id: number, context: number, timeoutMs: number, request: CallRequest, inChunks: boolean): void {
    const frame = this.#begin(FRAME.CALL, 64);
    const flags = callFlags(request) | (inChunks ? CALL_HAS.CHUNKS : 0);
    const method = methodCodes.get(request.method) ?? 0;
    this.#u32(id);
    this.#u16(context);
    this.#u32(timeoutMs);
    this.#u16(flags);
    this.#bytes[this.#at++] = method;
    if (method === 0) this.#string(request.method);
    if (flags & CALL_HAS.NAME) this.#string(request.name);
    const spans = request.spans;
    if (flags & CALL_HAS.NAME_SPAN) this.#span(spans.nameStart, spans.nameEnd);
    if (flags & CALL_HAS.META_SPAN) this.#span(spans.metaStart, spans.metaEnd);
    if (flags & CALL_HAS.PROGRESS_SPAN) this.#span(spans.progressTokenStart, spans.progressTokenEnd);
    if (flags & CALL_HAS.CLIENT_REQUEST_ID) this.#string(request.clientRequestId);
    if (flags & CALL_HAS.SESSION) this.#string(request.session);
    if (flags & CALL_HAS.LOG_LEVEL) this.#string(request.logLevel);
    if (flags & CALL_HAS.PARAM_HEADERS) this.#string(request.paramHeaders);
    if (flags & CALL_HAS.TRACEPARENT) this.#string(request.traceparent);
    if (flags & CALL_HAS.REPLAY_STREAM) this.#string(request.replayStream);
    this.#payload(request.params, inChunks);
    this.#end(frame);
  }

  reply(kind: ReplyKind, id: number, payload: Buffer, inChunks: boolean, keep?: KeepResult): void {
    const frame = this.#begin(kind, 13);
    this.#u32(id);
    this.#bytes[this.#at++] = (inChunks ? IN_CHUNKS : 0) | (keep === undefined ? 0 : MAY_BE_KEPT);
    if (keep !== undefined) {
      this.#u32(keep.forMs);
      this.#u32(keep.epoch);
    }
    this.#payload(payload, inChunks);
    this.#end(frame);
  }

  input(id: number, context: number, session: string, message: Buffer, inChunks: boolean): void {
    const frame = this.#begin(FRAME.INPUT, 7);
    this.#u32(id);
    this.#u16(context);
    this.#bytes[this.#at++] = inChunks ? IN_CHUNKS : 0;
    this.#string(session);
    this.#payload(message, inChunks);
    this.#end(frame);
  }

  chunk(id: number, payload: Buffer, from: number, to: number): void {
    const frame = this.#begin(FRAME.CHUNK, 4 + to - from);
    this.#u32(id);
    this.#at += payload.copy(this.#bytes, this.#at, from, to);
    this.#end(frame);
  }

  cancel(id: number, reason: CancelReason): void {
    const frame = this.#begin(FRAME.CANCEL, 5);
    this.#u32(id);
    this.#bytes[this.#at++] = reason === 'link' ? 1 : 0;
    this.#end(frame);
  }

  drain(): void {
    this.#end(this.#begin(FRAME.DRAIN, 0));
  }

  stale(epoch: number): void {
    const frame = this.#begin(FRAME.STALE, 4);
    this.#u32(epoch);
    this.#end(frame);
  }

  sessionStale(session: string): void {
    const frame = this.#begin(FRAME.SESSION_STALE, 0);
    this.#string(session);
    this.#end(frame);
  }

  credit(bytes: number): void {
    const frame = this.#begin(FRAME.CREDIT, 4);
    this.#u32(bytes);
    this.#end(frame);
  }

  /** Starts a frame; `room` covers its fixed fields, variable ones make their own room. */
  #begin(kind: number, room: number): number {
    this.#makeRoom(5 + room);
    const frame = this.#at;
    this.#bytes[frame + 4] = kind;
    this.#at = frame + 5;
    return frame;
  }

  #end(frame: number): void {
    const length = this.#at - frame - 4;
    const bytes = this.#bytes;
    bytes[frame] = length;
    bytes[frame + 1] = length >>> 8;
    bytes[frame + 2] = length >>> 16;
    bytes[frame + 3] = length >>> 24;
  }

  #u16(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = value;
    bytes[this.#at++] = value >>> 8;
  }

  #u32(value: number): void {
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  #span(start: number, end: number): void {
    this.#makeRoom(8);
    this.#u32(start);
    this.#u32(end);
  }

  #string(value: string): void {
    this.#makeRoom(4 + value.length * 3);
    const at = this.#at + 4;
    const written = writeUtf8(this.#bytes, at, value);
    this.#u32(written);
    this.#at = at + written;
  }

  #payload(payload: Buffer, inChunks: boolean): void {
    if (inChunks) {
      this.#makeRoom(4);
      this.#u32(payload.length);
      return;
    }
    this.#makeRoom(payload.length);
    this.#bytes.set(payload, this.#at);
    this.#at += payload.length;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

function callFlags(request: CallRequest): number {
  return (
    (request.name === '' ? 0 : CALL_HAS.NAME) |
    (request.spans.nameStart < 0 ? 0 : CALL_HAS.NAME_SPAN) |
    (request.spans.metaStart < 0 ? 0 : CALL_HAS.META_SPAN) |
    (request.spans.progressTokenStart < 0 ? 0 : CALL_HAS.PROGRESS_SPAN) |
    (request.clientRequestId === 'null' ? 0 : CALL_HAS.CLIENT_REQUEST_ID) |
    (request.session === '' ? 0 : CALL_HAS.SESSION) |
    (request.logLevel === '' ? 0 : CALL_HAS.LOG_LEVEL) |
    (request.paramHeaders === '' ? 0 : CALL_HAS.PARAM_HEADERS) |
    (request.traceparent === '' ? 0 : CALL_HAS.TRACEPARENT) |
    (request.replayStream === '' ? 0 : CALL_HAS.REPLAY_STREAM)
  );
}

/** A loop beats the call into C++ for the short ASCII strings that nearly all of these are. */
function writeUtf8(bytes: Buffer, at: number, value: string): number {
  const length = value.length;
  if (length > 40) return bytes.write(value, at, 'utf8');
  for (let index = 0; index < length; index++) {
    const unit = value.charCodeAt(index);
    if (unit > 0x7f) return bytes.write(value, at, 'utf8');
    bytes[at + index] = unit;
  }
  return length;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (; value > 0x7f; value >>>= 7) bytes++;
  return bytes;
}
