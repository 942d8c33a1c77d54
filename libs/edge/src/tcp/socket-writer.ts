import type { Socket } from 'node:net';
import {
  FRAME_HEADER_BYTES,
  type FrameEncoding,
  type FrameKind,
  writeFrameHeader,
} from '@mcp-bridge/protocol';

/** The socket never holds more than this of what a client has not taken. */
const BATCH_BYTES = 64 * 1024;
const MAX_SPARE_BATCHES = 64;

/** What the writers of one listener share: the end of the event-loop turn, and memory for batches. */
export class WriterPool {
  readonly #spare: Buffer[] = [];
  #dirty: SocketWriter[] = [];
  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const writer of dirty) writer.flush();
  };

  /** Flushes the writer when everything of this turn has been read. */
  flushLater(writer: SocketWriter): void {
    if (this.#dirty.length === 0) setImmediate(this.#flush);
    this.#dirty.push(writer);
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
  }

  give(batch: Buffer): void {
    if (this.#spare.length < MAX_SPARE_BATCHES) this.#spare.push(batch);
  }
}

/**
 * The outgoing bytes of one socket. What is written in one turn of the event loop leaves as one batch at its end;
 * while the socket has not taken a batch, the rest waits here, where it is counted.
 */
export class SocketWriter {
  /** Called when everything was handed to the kernel. */
  onIdle: (() => void) | undefined = undefined;
  /** Batches that the kernel has taken: a client that takes anything makes it grow. */
  takenBatches = 0;
  readonly #socket: Socket;
  readonly #pool: WriterPool;
  readonly #written = (): void => this.#afterWrite();
  /** The batch that is being filled. */
  #batch: Buffer | undefined = undefined;
  #batchBytes = 0;
  /** The batch that the socket has. */
  #writing: Buffer | undefined = undefined;
  #writingBytes = 0;
  /** What had no room in the batch, in order; the first of them may be gone in part. */
  #queue: Buffer[] = [];
  #queueAt = 0;
  #queueBytes = 0;
  #scheduled = false;
  #ending = false;
  #closed = false;

  constructor(socket: Socket, pool: WriterPool) {
    this.#socket = socket;
    this.#pool = pool;
  }

  /** Bytes that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#batchBytes + this.#writingBytes + this.#queueBytes;
  }

  /** @param bytes - kept until they are sent: do not mutate them */
  write(bytes: Buffer): void {
    if (this.#ending) return;
    const room = this.#room(bytes.length);
    if (room === undefined) this.#enqueue(bytes);
    else this.#batchBytes += bytes.copy(room, this.#batchBytes);
    this.#schedule();
  }

  /** @param payload - kept until it is sent: do not mutate it */
  writeFrame(kind: FrameKind, encoding: FrameEncoding, payload: Buffer): void {
    if (this.#ending) return;
    const room = this.#room(FRAME_HEADER_BYTES + payload.length);
    if (room === undefined) {
      const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
      writeFrameHeader(header, 0, kind, encoding, payload.length);
      this.#enqueue(header);
      this.#enqueue(payload);
    } else {
      const at = writeFrameHeader(room, this.#batchBytes, kind, encoding, payload.length);
      this.#batchBytes = at + payload.copy(room, at);
    }
    this.#schedule();
  }

  /** Ends the outgoing half after everything that was written; takes nothing more. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#schedule();
  }

  /** The socket is gone. */
  close(): void {
    this.#closed = true;
    this.#ending = true;
    // The batch that the socket has may still be read by the kernel: it is left to the garbage collector.
    this.#writing = undefined;
    if (this.#batch !== undefined) this.#pool.give(this.#batch);
    this.#batch = undefined;
    this.#queue = [];
    this.#batchBytes = this.#writingBytes = this.#queueBytes = this.#queueAt = 0;
  }

  /** For the pool. */
  flush(): void {
    this.#scheduled = false;
    if (this.#closed || this.#writing !== undefined) return;
    this.#refill();
    if (this.#batchBytes === 0 || this.#batch === undefined) {
      if (this.#ending) this.#socket.end();
      return;
    }
    const batch = this.#batch;
    this.#writing = batch;
    this.#writingBytes = this.#batchBytes;
    this.#batch = undefined;
    this.#batchBytes = 0;
    this.#socket.write(batch.subarray(0, this.#writingBytes), this.#written);
  }

  #afterWrite(): void {
    if (this.#closed) return;
    if (this.#writing !== undefined) this.#pool.give(this.#writing);
    this.#writing = undefined;
    this.#writingBytes = 0;
    this.takenBatches += 1;
    if (this.#batchBytes > 0 || this.#queueBytes > 0 || this.#ending) this.flush();
    else this.onIdle?.();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#pool.flushLater(this);
  }

  /** The batch, when this much may be added to it now. */
  #room(bytes: number): Buffer | undefined {
    if (this.#queueBytes > 0 || this.#batchBytes + bytes > BATCH_BYTES) return undefined;
    this.#batch ??= this.#pool.take();
    return this.#batch;
  }

  #enqueue(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queueBytes += bytes.length;
  }

  /** Moves what waits into the batch, as far as it fits. */
  #refill(): void {
    if (this.#queueBytes === 0) return;
    const batch = (this.#batch ??= this.#pool.take());
    while (this.#queueBytes > 0 && this.#batchBytes < BATCH_BYTES) {
      const next = this.#queue[this.#queueAt];
      if (next === undefined) break;
      const copied = next.copy(batch, this.#batchBytes);
      this.#batchBytes += copied;
      this.#queueBytes -= copied;
      this.#queue[this.#queueAt] = next.subarray(copied);
      if (copied === next.length) this.#queueAt += 1;
    }
    if (this.#queueBytes === 0) {
      this.#queue = [];
      this.#queueAt = 0;
    } else if (this.#queueAt > 1000) {
      this.#queue = this.#queue.slice(this.#queueAt);
      this.#queueAt = 0;
    }
  }
}
