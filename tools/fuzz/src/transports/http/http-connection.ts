import { connect, type Socket } from 'node:net';
import type { HttpInput } from './http-input.js';
import { type HttpReply, ReplyReader } from './reply-reader.js';

/** How the exchange of one input went. */
export interface HttpOutcome {
  /** Whole replies, in order. */
  readonly replies: readonly HttpReply[];
  /** What came of a reply that was not whole, or of a stream. */
  readonly partial: Buffer;
  readonly openStatus: number | undefined;
  readonly end: 'replied' | 'closed' | 'silent' | 'late';
  /** What cannot be read as HTTP. */
  readonly fault: string | undefined;
  readonly tookMs: number;
}

export interface ConnectionListener {
  /** The end may be far. */
  onSlow(connection: HttpConnection): void;
  /** A piece of a stream. */
  onStreamPiece(connection: HttpConnection, text: string): void;
  onOutcome(connection: HttpConnection, outcome: HttpOutcome): void;
}

/** Silence after which inputs to which no reply is due have had their chance. */
const QUIET_MS = 100;
/** An answer that takes longer keeps no place from the next input. */
const SLOW_MS = 50;
/** The bridge ends connections that are quiet for 10 s. */
const MAX_REST_MS = 5_000;
/** How much of a broken or endless stream is kept. */
const KEPT_PARTIAL = 16 * 1024;

/** One connection, with at most one input on its way. */
export class HttpConnection {
  input: HttpInput | undefined = undefined;
  /** How the inputs before this one were made, the last of them first. */
  history: readonly string[] = [];
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #reader: ReplyReader;
  readonly #lateMs: number;
  #replies: HttpReply[] = [];
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #openStatus: number | undefined = undefined;
  /** Pieces of the input that were not written yet. */
  #unwritten = 0;
  #startedAt = 0;
  #heardAt = 0;

  constructor(port: number, lateMs: number, listener: ConnectionListener) {
    this.#lateMs = lateMs;
    this.#listener = listener;
    this.#reader = new ReplyReader({
      onHead: (status) => (this.#openStatus = status),
      onPiece: (bytes) => this.#streamed(bytes),
      onReply: (reply) => this.#replied(reply),
    });
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes) => this.#received(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#closed());
  }

  /** The connection can take another input, and will not be ended for its rest just now. */
  get usable(): boolean {
    if (this.input !== undefined || this.#socket.destroyed || !this.#socket.writable) return false;
    return this.#heardAt === 0 || performance.now() - this.#heardAt < MAX_REST_MS;
  }

  send(input: HttpInput, now: number): void {
    this.input = input;
    this.#replies = [];
    this.#partial = [];
    this.#partialBytes = 0;
    this.#openStatus = undefined;
    this.#startedAt = now;
    this.#heardAt = now;
    this.#reader.bodyless = input.bodyless;
    this.#unwritten = input.pieces.length;
    this.#write(input, 0);
  }

  /** To be called every now and then. */
  tick(now: number): void {
    const { input } = this;
    if (input === undefined) return;
    if (input.expects === 'anything' && now - this.#heardAt > QUIET_MS) this.#finish('silent', undefined);
    else if (input.endless && this.#openStatus !== undefined && now - this.#heardAt > QUIET_MS)
      this.#finish('replied', undefined);
    else if (now - this.#startedAt > this.#lateMs) this.#finish('late', undefined);
    else if (now - this.#startedAt > SLOW_MS) this.#listener.onSlow(this);
  }

  destroy(): void {
    this.input = undefined;
    this.#socket.destroy();
  }

  #write(input: HttpInput, index: number): void {
    const piece = input.pieces[index];
    if (piece === undefined || this.input !== input) return;
    this.#socket.write(piece);
    this.#unwritten -= 1;
    if (index + 1 < input.pieces.length) setImmediate(() => this.#write(input, index + 1));
  }

  #received(bytes: Buffer): void {
    if (this.input === undefined) return;
    this.#heardAt = performance.now();
    if (this.#partialBytes < KEPT_PARTIAL) {
      this.#partial.push(bytes);
      this.#partialBytes += bytes.length;
    }
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#finish('closed', String(error));
    }
  }

  #streamed(bytes: Buffer): void {
    this.#listener.onStreamPiece(this, bytes.toString('utf8'));
    this.#listener.onSlow(this);
  }

  #replied(reply: HttpReply): void {
    this.#replies.push(reply);
    if (this.input?.expects === 'reply') this.#finish('replied', undefined);
  }

  #closed(): void {
    if (this.input === undefined) return;
    try {
      this.#reader.end();
      // A reply that ends with its connection has told the outcome already.
      if (this.input !== undefined) this.#finish('closed', undefined);
    } catch (error) {
      this.#finish('closed', String(error));
    }
  }

  #finish(end: HttpOutcome['end'], fault: string | undefined): void {
    const { input } = this;
    if (input === undefined) return;
    this.history = [input.what, ...this.history.slice(0, 3)];
    const { stray, within } = this.#reader;
    const why =
      fault ??
      (end !== 'closed' && stray.length > 0 ? `stray bytes: ${stray.toString('latin1', 0, 200)}` : undefined);
    const last = this.#replies.at(-1)?.last === true;
    if (
      end !== 'replied' ||
      input.expects === 'anything' ||
      input.endless ||
      last ||
      within ||
      this.#unwritten > 0
    )
      this.#socket.destroy();
    const outcome: HttpOutcome = {
      replies: this.#replies,
      partial: Buffer.concat(this.#partial),
      openStatus: this.#openStatus,
      end,
      fault: why,
      tookMs: performance.now() - this.#startedAt,
    };
    this.#listener.onOutcome(this, outcome);
  }
}
