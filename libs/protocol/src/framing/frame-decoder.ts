import { BridgeError } from '../errors.js';
import { ByteCollector } from './byte-collector.js';
import {
  FRAME_ENCODING,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  type FrameEncoding,
  type FrameKind,
  MAX_CONTROL_BYTES,
} from './frames.js';

/** Hears every frame in order. */
export interface FrameReceiver {
  /** @param payload - a view of the chunk that it came in where it came in one; do not mutate it */
  onFrame(kind: FrameKind, encoding: FrameEncoding, payload: Buffer): void;
}

const BINARY_PAYLOAD_BYTES: Partial<Record<number, number>> = {
  [FRAME_KIND.CREDIT]: 4,
  [FRAME_KIND.PING]: 8,
  [FRAME_KIND.PONG]: 8,
};

/**
 * Turns chunks of any size into frames. Headers are judged as soon as they are there, before any payload; memory
 * is bounded by what has arrived, at most one payload.
 */
export class FrameDecoder {
  /** Longest payload of a MESSAGE; longer ones are refused. */
  maxFrameBytes: number;
  readonly #receiver: FrameReceiver;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  readonly #payload = new ByteCollector();
  #headerBytes = 0;
  /** Of the frame whose header is complete; 0 while there is none. */
  #payloadBytes = 0;
  #kind: FrameKind = FRAME_KIND.MESSAGE;
  #encoding: FrameEncoding = FRAME_ENCODING.JSON;
  #stopped = false;

  constructor(receiver: FrameReceiver, maxFrameBytes: number) {
    this.#receiver = receiver;
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of a frame that is not complete. */
  get pendingBytes(): number {
    return this.#headerBytes + this.#payload.length;
  }

  /** Reads no further: what is left of the chunk, and all that comes later, is dropped. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads one chunk. The chunk is kept where payloads lie in it: do not mutate it.
   *
   * @throws {BridgeError} INVALID_REQUEST when the bytes are no frames, PAYLOAD_TOO_LARGE; the decoder has stopped
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      at = this.#payloadBytes === 0 ? this.#readHeader(chunk, at) : this.#readPayload(chunk, at);
    }
  }

  #readHeader(chunk: Buffer, start: number): number {
    if (this.#headerBytes === 0 && chunk.length - start >= FRAME_HEADER_BYTES) {
      this.#judge(chunk, start);
      return start + FRAME_HEADER_BYTES;
    }
    const end = Math.min(chunk.length, start + FRAME_HEADER_BYTES - this.#headerBytes);
    this.#headerBytes += chunk.copy(this.#header, this.#headerBytes, start, end);
    if (this.#headerBytes === FRAME_HEADER_BYTES) this.#judge(this.#header, 0);
    return end;
  }

  #judge(bytes: Buffer, at: number): void {
    const payloadBytes = bytes.readUInt32BE(at);
    const kind = bytes[at + 4] ?? 0;
    const encoding = bytes[at + 5] ?? 0;
    const fault = faultOf(kind, encoding, payloadBytes, this.maxFrameBytes);
    if (fault !== undefined) {
      this.#stopped = true;
      throw fault;
    }
    // `as`: others were refused.
    this.#kind = kind as FrameKind;
    this.#encoding = encoding as FrameEncoding;
    this.#headerBytes = FRAME_HEADER_BYTES;
    this.#payloadBytes = payloadBytes;
  }

  #readPayload(chunk: Buffer, start: number): number {
    const end = start + this.#payloadBytes - this.#payload.length;
    if (end > chunk.length) {
      this.#payload.add(chunk.subarray(start));
      return chunk.length;
    }
    const piece = chunk.subarray(start, end);
    const payload = this.#payload.length === 0 ? piece : this.#payload.finish(piece);
    this.#headerBytes = 0;
    this.#payloadBytes = 0;
    this.#receiver.onFrame(this.#kind, this.#encoding, payload);
    return end;
  }
}

function faultOf(
  kind: number,
  encoding: number,
  payloadBytes: number,
  maxFrameBytes: number,
): BridgeError | undefined {
  if (kind < FRAME_KIND.HELLO || kind > FRAME_KIND.ERROR) return malformed(`unknown kind ${kind}`);
  const binaryBytes = BINARY_PAYLOAD_BYTES[kind];
  if (binaryBytes !== undefined) {
    if (encoding !== FRAME_ENCODING.BINARY) return malformed(`kind ${kind} has encoding 0, not ${encoding}`);
    if (payloadBytes !== binaryBytes) return malformed(`kind ${kind} has a payload of ${binaryBytes} bytes`);
    return undefined;
  }
  if (payloadBytes === 0) return malformed(`kind ${kind} without a payload`);
  if (kind === FRAME_KIND.MESSAGE) {
    if (encoding !== FRAME_ENCODING.JSON && encoding !== FRAME_ENCODING.MSGPACK) {
      return malformed(`unknown encoding ${encoding}`);
    }
    return payloadBytes > maxFrameBytes ? tooLarge(payloadBytes, maxFrameBytes) : undefined;
  }
  if (encoding !== FRAME_ENCODING.JSON) return malformed(`kind ${kind} has encoding 1, not ${encoding}`);
  return payloadBytes > MAX_CONTROL_BYTES ? tooLarge(payloadBytes, MAX_CONTROL_BYTES) : undefined;
}

function malformed(what: string): BridgeError {
  return new BridgeError('INVALID_REQUEST', `Malformed frame: ${what}`);
}

function tooLarge(bytes: number, limit: number): BridgeError {
  return new BridgeError('PAYLOAD_TOO_LARGE', `A frame of ${bytes} bytes; this side takes at most ${limit}`);
}
