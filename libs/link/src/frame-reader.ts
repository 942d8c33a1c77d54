import {
  CALL_HAS,
  CONTEXT_SLOTS,
  type CallContext,
  FRAME,
  type Hello,
  IN_CHUNKS,
  KNOWN_METHODS,
  MAY_BE_KEPT,
  MIN_CHUNK_BYTES,
  type ReplyKind,
  malformed,
} from './frames.js';
import { Cursor } from './cursor.js';
import type { CallRequest, CancelReason, InputMessage, KeepResult, ParamsSpans, Principal } from './link.js';

/** Hears whole messages; contexts have been looked up. */
export interface FrameReceiver {
  onHello(hello: Hello): void;
  onCall(id: number, request: CallRequest): void;
  /** @param keep - of a RESULT that may be given again */
  onReply(kind: ReplyKind, id: number, payload: Buffer, keep: KeepResult | undefined): void;
  /** A RESULT that came in chunks; put together, all of it would be copied once more. */
  onLargeResult(id: number, parts: readonly Buffer[], keep: KeepResult | undefined): void;
  onInput(message: InputMessage): void;
  onCancel(id: number, reason: CancelReason): void;
  onDrain(): void;
  onStale(epoch: number): void;
  onSessionStale(session: string): void;
  onCredit(bytes: number): void;
}

/**
 * Turns batches into messages for one link. Payloads are views into the batch unless that would pin a far larger
 * one in memory.
 *
 * @throws {BridgeError} UPSTREAM_PROTOCOL from `read` when the peer broke the encoding
 */
export class FrameReader {
  readonly #receiver: FrameReceiver;
  readonly #maxPayloadBytes: number;
  readonly #contexts: (KnownContext | undefined)[] = new Array<undefined>(CONTEXT_SLOTS);
  readonly #partial = new Map<number, PartialMessage>();

  constructor(receiver: FrameReceiver, maxPayloadBytes: number) {
    this.#receiver = receiver;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Messages that have begun but are not complete. */
  get partialMessages(): number {
    return this.#partial.size;
  }

  /** Drops what has arrived of a message that nobody waits for any more. */
  forget(id: number): void {
    if (this.#partial.size > 0) this.#partial.delete(id);
  }

  read(batch: Buffer): void {
    const cursor = new Cursor(batch);
    while (cursor.nextFrame()) this.#frame(cursor);
  }

  #frame(cursor: Cursor): void {
    const kind = cursor.u8();
    switch (kind) {
      case FRAME.CALL:
        return this.#call(cursor);
      case FRAME.RESULT:
      case FRAME.ERROR:
      case FRAME.NOTE:
        return this.#reply(kind, cursor);
      case FRAME.CHUNK:
        return this.#chunk(cursor);
      case FRAME.CANCEL:
        return this.#cancel(cursor);
      case FRAME.CONTEXT:
        return this.#context(cursor);
      case FRAME.INPUT:
        return this.#input(cursor);
      case FRAME.CREDIT:
        return this.#receiver.onCredit(cursor.u32());
      case FRAME.DRAIN:
        return this.#receiver.onDrain();
      case FRAME.STALE:
        return this.#receiver.onStale(cursor.u32());
      case FRAME.SESSION_STALE:
        return this.#receiver.onSessionStale(cursor.string());
      case FRAME.HELLO:
        return this.#receiver.onHello({
          version: cursor.u16(),
          window: cursor.u32(),
          maxPayloadBytes: cursor.u32(),
          maxInFlight: cursor.u32(),
          routerId: cursor.string(),
        });
      default:
        throw malformed(`kind ${kind}`);
    }
  }

  #call(cursor: Cursor): void {
    const id = cursor.u32();
    const { principal, context } = this.#known(cursor.u16());
    const timeoutMs = cursor.u32();
    const flags = cursor.u16();
    const method = cursor.u8();
    // Object literals evaluate in order, which is the order on the wire.
    const request: Mutable<CallRequest> = {
      principal,
      view: context.view,
      method: method === 0 ? cursor.string() : knownMethod(method),
      name: flags & CALL_HAS.NAME ? cursor.string() : '',
      spans: readSpans(cursor, flags),
      clientRequestId: flags & CALL_HAS.CLIENT_REQUEST_ID ? cursor.string() : 'null',
      protocolVersion: context.protocolVersion,
      capabilities: context.capabilities,
      clientInfo: context.clientInfo,
      session: flags & CALL_HAS.SESSION ? cursor.string() : '',
      logLevel: flags & CALL_HAS.LOG_LEVEL ? cursor.string() : '',
      timeoutMs,
      paramHeaders: flags & CALL_HAS.PARAM_HEADERS ? cursor.string() : '',
      traceparent: flags & CALL_HAS.TRACEPARENT ? cursor.string() : '',
      home: '',
      replayStream: flags & CALL_HAS.REPLAY_STREAM ? cursor.string() : '',
      params: EMPTY,
    };
    if (flags & CALL_HAS.CHUNKS) {
      this.#begin(id, cursor, (parts) => {
        request.params = Buffer.concat(parts);
        this.#receiver.onCall(id, request);
      });
      return;
    }
    request.params = cursor.rest();
    this.#receiver.onCall(id, request);
  }

  #reply(kind: ReplyKind, cursor: Cursor): void {
    const id = cursor.u32();
    const flags = cursor.u8();
    const keep = flags & MAY_BE_KEPT ? { forMs: cursor.u32(), epoch: cursor.u32() } : undefined;
    if (flags & IN_CHUNKS) {
      this.#begin(id, cursor, (parts) => {
        if (kind === FRAME.RESULT) this.#receiver.onLargeResult(id, parts, keep);
        else this.#receiver.onReply(kind, id, Buffer.concat(parts), keep);
      });
    } else {
      // An ERROR may cut a chunked message short: the router gave that message up.
      if (kind === FRAME.ERROR) this.forget(id);
      this.#receiver.onReply(kind, id, cursor.rest(), keep);
    }
  }

  #input(cursor: Cursor): void {
    const id = cursor.u32();
    const { principal, context } = this.#known(cursor.u16());
    const flags = cursor.u8();
    const session = cursor.string();
    const deliver = (message: Buffer): void =>
      this.#receiver.onInput({ principal, view: context.view, session, message });
    if (flags & IN_CHUNKS) this.#begin(id, cursor, (parts) => deliver(Buffer.concat(parts)));
    else deliver(cursor.rest());
  }

  #cancel(cursor: Cursor): void {
    const id = cursor.u32();
    const reason = cursor.u8() === 1 ? 'link' : 'client';
    this.forget(id);
    this.#receiver.onCancel(id, reason);
  }

  #context(cursor: Cursor): void {
    const number = cursor.u16();
    if (number >= CONTEXT_SLOTS) throw malformed(`context ${number}`);
    const tenant = cursor.string();
    const id = cursor.string();
    const view = cursor.string();
    const protocolVersion = cursor.string();
    const capabilities = cursor.string();
    const clientInfo = cursor.string();
    this.#contexts[number] = {
      principal: { tenant, id },
      context: { tenant, principal: id, view, protocolVersion, capabilities, clientInfo },
    };
  }

  #known(number: number): KnownContext {
    const known = this.#contexts[number];
    if (known === undefined) throw malformed(`context ${number} was never sent`);
    return known;
  }

  #begin(id: number, cursor: Cursor, complete: (parts: readonly Buffer[]) => void): void {
    const total = cursor.u32();
    if (total > this.#maxPayloadBytes) throw malformed(`payload of ${total} bytes`);
    if (this.#partial.has(id)) throw malformed('two payloads at once for one call');
    this.#partial.set(id, { parts: [], missingBytes: total, complete });
  }

  #chunk(cursor: Cursor): void {
    const id = cursor.u32();
    const partial = this.#partial.get(id);
    // Chunks may still be under way when their call has ended here.
    if (partial === undefined) return;
    const chunk = cursor.rest();
    partial.missingBytes -= chunk.length;
    if (partial.missingBytes < 0) throw malformed('more chunks than announced');
    if (partial.missingBytes > 0 && chunk.length < MIN_CHUNK_BYTES)
      throw malformed(`chunk of ${chunk.length} bytes`);
    partial.parts.push(chunk);
    if (partial.missingBytes > 0) return;
    this.#partial.delete(id);
    partial.complete(partial.parts);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface KnownContext {
  /** One object per context, so that the router may use it as a key. */
  readonly principal: Principal;
  readonly context: CallContext;
}

interface PartialMessage {
  readonly parts: Buffer[];
  missingBytes: number;
  readonly complete: (parts: readonly Buffer[]) => void;
}

const EMPTY = Buffer.alloc(0);

function knownMethod(code: number): string {
  const method = KNOWN_METHODS[code];
  if (method === undefined) throw malformed(`method ${code}`);
  return method;
}

function readSpans(cursor: Cursor, flags: number): ParamsSpans {
  return {
    nameStart: flags & CALL_HAS.NAME_SPAN ? cursor.u32() : -1,
    nameEnd: flags & CALL_HAS.NAME_SPAN ? cursor.u32() : -1,
    metaStart: flags & CALL_HAS.META_SPAN ? cursor.u32() : -1,
    metaEnd: flags & CALL_HAS.META_SPAN ? cursor.u32() : -1,
    progressTokenStart: flags & CALL_HAS.PROGRESS_SPAN ? cursor.u32() : -1,
    progressTokenEnd: flags & CALL_HAS.PROGRESS_SPAN ? cursor.u32() : -1,
  };
}
