import type { Socket } from 'node:net';
import { DeadlineEntry } from '@mcp-bridge/link';
import {
  BridgeError,
  detectFraming,
  encodeFatalError,
  errorReply,
  FRAMING_PREFACE,
  FRAMING_VERSION,
} from '@mcp-bridge/protocol';
import { lineOf } from '../channels/message-lines.js';
import { leaving } from './admit-client.js';
import { FrameChannel } from './frame-channel.js';
import { LineChannel } from './line-channel.js';
import { SocketWriter } from './socket-writer.js';
import type { TcpChannel, TcpFailure, TcpHost } from './tcp-host.js';

/** A client that takes nothing for this long, with data waiting, is cut off. */
const STALL_MS = 60_000;
/** A client has this long to close its side after the gateway has closed its own. */
const CLOSING_MS = 2_000;
/** Idle connections whose client vanished without a word are found by the kernel after about this long. */
const KERNEL_PROBE_MS = 60_000;

/** `leaving`: everything was said, the client may close first. `ending`: the outgoing half is being closed. */
type ConnectionPhase = 'opening' | 'open' | 'leaving' | 'ending' | 'closed';

/** One connection from its first byte to its last: how it speaks, whether it lives, and its end. */
export class TcpConnection extends DeadlineEntry {
  readonly writer: SocketWriter;
  readonly #host: TcpHost;
  readonly #socket: Socket;
  readonly #onClosed: (connection: TcpConnection) => void;
  readonly #startedAt: number;
  #phase: ConnectionPhase = 'opening';
  #channel: TcpChannel | undefined = undefined;
  /** The first bytes, until they tell how the client speaks. */
  #head: Buffer = Buffer.alloc(0);
  #heard = false;
  #asked = false;
  /** What the client had taken when that last changed, and when that was seen. */
  #takenBatches = 0;
  #takenAt = 0;

  constructor(host: TcpHost, socket: Socket, onClosed: (connection: TcpConnection) => void) {
    super();
    this.#host = host;
    this.#socket = socket;
    this.#onClosed = onClosed;
    this.#startedAt = host.wheel.now();
    this.writer = new SocketWriter(socket, host.writers);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KERNEL_PROBE_MS);
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    socket.on('end', () => this.#clientEnded());
    // Its close event follows, which is all that matters.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    host.wheel.add(this, this.#startedAt + host.handshakeTimeoutMs);
  }

  /** The client was let in. */
  established(): void {
    this.#phase = 'open';
    const now = this.#host.wheel.now();
    this.#takenAt = now;
    this.#host.established((now - this.#startedAt) / 1000);
    this.#host.wheel.add(this, now + this.#host.keepAliveMs);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Ends it after everything that was written; what still comes is dropped. */
  end(): void {
    if (this.#phase === 'ending' || this.#phase === 'closed') return;
    this.#phase = 'ending';
    this.writer.end();
    // Unread bytes would turn the end into a reset, which may overtake the last words.
    this.resume();
    this.#host.wheel.add(this, this.#host.wheel.now() + CLOSING_MS);
  }

  /** Ends it when the client does, or after this time. */
  endWithin(timeMs: number): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'leaving';
    this.#host.wheel.add(this, this.#host.wheel.now() + timeMs);
  }

  /** Ends it now. */
  cut(reason: TcpFailure): void {
    if (this.#phase === 'closed') return;
    this.#host.failed(reason);
    this.destroy();
  }

  /** Ends it now, as nobody's fault. */
  destroy(): void {
    this.#socket.destroy();
    this.#closed();
  }

  /** The gateway is leaving. */
  leave(): void {
    if (this.#phase === 'opening') this.#fail(leaving());
    else this.#channel?.leave();
  }

  /** For the deadline wheel. */
  override onDeadline(): void {
    if (this.#phase === 'opening') {
      this.#fail(new BridgeError('DEADLINE_EXCEEDED', 'The first message did not come in time'));
    } else if (this.#phase === 'leaving') {
      this.end();
    } else if (this.#phase === 'ending') {
      this.destroy();
    } else {
      this.#checkLife();
    }
  }

  #checkLife(): void {
    const { wheel, keepAliveMs } = this.#host;
    const now = wheel.now();
    const { unsentBytes, takenBatches } = this.writer;
    if (unsentBytes === 0 || takenBatches !== this.#takenBatches) {
      this.#takenBatches = takenBatches;
      this.#takenAt = now;
    } else if (now - this.#takenAt > STALL_MS) {
      this.cut('slow');
      return;
    }
    if (!this.#heard && this.#asked) {
      this.cut('timeout');
      return;
    }
    this.#asked = !this.#heard && this.#channel?.ask() === true;
    this.#heard = false;
    wheel.add(this, now + keepAliveMs);
  }

  #data(chunk: Buffer): void {
    if (this.#phase === 'ending' || this.#phase === 'closed') return;
    this.#heard = true;
    try {
      if (this.#channel === undefined) this.#begin(chunk);
      else this.#channel.receive(chunk);
    } catch (error) {
      if (!(error instanceof BridgeError)) this.#host.log.error({ err: error }, 'A TCP handler threw');
      this.#fail(BridgeError.from(error));
    }
  }

  #begin(chunk: Buffer): void {
    const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = head;
    const framing = detectFraming(head);
    if (framing === 'incomplete') return;
    this.#head = Buffer.alloc(0);
    if (framing === 'lines') {
      this.#channel = new LineChannel(this.#host, this);
      this.#channel.receive(head);
    } else if (framing === 'frames') {
      this.#channel = new FrameChannel(this.#host, this);
      this.#channel.receive(head.subarray(FRAMING_PREFACE.length));
    } else {
      this.#host.failed('malformed');
      this.writer.write(framing === 'version' ? OTHER_VERSION : NOT_SPOKEN);
      this.end();
    }
  }

  /** Ends it with a reason that the client is told. */
  #fail(error: BridgeError): void {
    if (this.#phase === 'opening') this.#host.failed(FAILURES[error.code] ?? 'malformed');
    this.#channel?.refuse(error);
    this.end();
  }

  /** Half-closing is ending: nothing that is under way could be cancelled any more. */
  #clientEnded(): void {
    this.#channel?.closed();
    this.end();
  }

  #closed(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#host.wheel.remove(this);
    this.writer.close();
    this.#channel?.closed();
    this.#onClosed(this);
  }
}

const FAILURES: Readonly<Partial<Record<string, TcpFailure>>> = {
  UNAUTHENTICATED: 'auth',
  DRAINING: 'draining',
  DEADLINE_EXCEEDED: 'timeout',
};

const NOT_SPOKEN = lineOf(
  errorReply(
    undefined,
    new BridgeError(
      'PARSE_ERROR',
      'This port speaks MCP as JSON lines or frames (MCPB); HTTP has another port',
    ),
  ),
);
const OTHER_VERSION = encodeFatalError(
  new BridgeError('UNSUPPORTED_VERSION', `Only version ${FRAMING_VERSION} of the framing is spoken here`),
);
