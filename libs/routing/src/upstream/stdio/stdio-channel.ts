import { BridgeError, isBatch, scanEnvelope, scanMessages } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { StdioServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type {
  UnsolicitedListener,
  UpstreamChannel,
  UpstreamInfo,
  UpstreamRequest,
  UpstreamSink,
} from '../channel.js';
import type { OpenOptions } from '../connector.js';
import { Conversation } from '../conversation.js';
import type { Pending } from '../conversation.js';
import { StrayMessages } from '../stray-messages.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import type { Child, ChildExit } from './child-process.js';
import { exitError } from './exit-error.js';
import { LineReader } from './line-reader.js';
import { LineWriter } from './line-writer.js';
import { oneLine, paramsWithToken } from './one-line.js';

const CLOSING_BRACE = Buffer.from('}');
/** How long a process may live on after it closed one of its pipes. */
const PIPE_GRACE_MS = 500;

export interface StdioChannelOptions extends OpenOptions {
  /** Whose stdout nobody has read yet. The channel ends it. */
  readonly child: Child;
  readonly server: string;
  readonly config: StdioServerConfig;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  readonly now: () => number;
}

/** One server process and the conversation over its pipes. */
export class StdioChannel implements UpstreamChannel {
  readonly #options: StdioChannelOptions;
  readonly #child: Child;
  readonly #writer: LineWriter;
  readonly #reader: LineReader;
  readonly #conversation: Conversation;
  readonly #stray: StrayMessages;
  #info: UpstreamInfo | undefined;
  #closed = false;
  #closing = false;
  /** Why we killed it, when we did: the better explanation than its exit. */
  #fault: BridgeError | undefined;

  constructor(options: StdioChannelOptions) {
    this.#options = options;
    const { config, meters } = options;
    this.#conversation = new Conversation({
      audience: options.audience,
      meters,
      reply: (message) => this.#reply(message),
    });
    meters.connections.inc();
    this.#child = options.child;
    void this.#child.exited.then((exit) => this.#onExit(exit));
    this.#writer = new LineWriter(this.#child.stdin, 2 * config.maxMessageBytes);
    this.#stray = new StrayMessages({ ...options, conversation: this.#conversation, carrier: 'stdout' });
    this.#reader = new LineReader(
      config.maxMessageBytes,
      (line) => this.#onLine(line),
      () => this.#breakOff(`wrote a line longer than maxMessageBytes (${config.maxMessageBytes})`),
    );
    this.#child.stdout.on('data', (chunk: Buffer) => this.#reader.push(chunk));
    this.#child.stdout.on('end', () => this.#onPipeClosed());
    this.#child.stdin.on('error', () => this.#onPipeClosed());
  }

  /** Known once the handshake is over. */
  get info(): UpstreamInfo {
    if (this.#info === undefined) throw new BridgeError('INTERNAL', 'The handshake is not over');
    return this.#info;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get closed(): boolean {
    return this.#closed || this.#closing;
  }

  get inFlight(): number {
    return this.#conversation.inFlight;
  }

  establish(info: UpstreamInfo): void {
    this.#info = info;
  }

  request(request: UpstreamRequest, sink: UpstreamSink): { cancel(reason?: string): void } {
    if (this.closed) {
      sink.onError(this.#notSent());
      return { cancel: () => undefined };
    }
    const pending = this.#conversation.begin(request, sink);
    const head = `{"jsonrpc":"2.0","id":${pending.id},"method":${JSON.stringify(request.method)},"params":`;
    const taken = this.#writer.write(
      [Buffer.from(head), ...paramsWithToken(request, pending.id), CLOSING_BRACE],
      () => {
        pending.sent = true;
        this.#options.meters.sent.inc();
      },
    );
    if (!taken) {
      const message = `Server "${this.#options.server}" does not read its input: too much is waiting for it`;
      this.#conversation.fail(pending, new BridgeError('OVERLOADED', message));
    }
    return { cancel: (reason) => this.#cancel(pending, reason) };
  }

  notify(method: string, params: Buffer): void {
    if (this.closed) return;
    const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":`;
    this.#writer.write([Buffer.from(head), oneLine(params), CLOSING_BRACE]);
    this.#options.meters.sent.inc();
  }

  listen(listener: UnsolicitedListener): void {
    this.#conversation.listen(listener);
  }

  /** Fails what is in flight, closes stdin and waits for the process to leave; kills it if it does not. */
  async close(): Promise<void> {
    if (!this.closed) {
      this.#closing = true;
      this.#writer.end();
      this.#endConversation(unavailable(this.#options.server, 'was stopped'));
    }
    await this.#child.stop();
  }

  /** Ends the process at once: it broke the protocol or its handshake failed. */
  kill(): void {
    this.#child.kill();
  }

  #cancel(pending: Pending, reason: string | undefined): void {
    // `initialize` must not be cancelled (2025-11-25 basic/utilities/cancellation).
    if (!this.#conversation.forget(pending) || pending.method === 'initialize' || this.closed) return;
    const because = reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
    this.notify('notifications/cancelled', Buffer.from(`{"requestId":${pending.id}${because}}`));
  }

  #reply(message: Buffer): void {
    // A modern server must not ask, and must not be sent answers (2026-07-28 basic/transports/stdio).
    if (this.#info?.era !== 'modern') this.#writer.write([oneLine(message)]);
  }

  /** The server ends the conversation. It should exit now; a process that stays is of no use. */
  #onPipeClosed(): void {
    if (this.closed) return;
    const timer = setTimeout(() => {
      if (this.closed) return;
      this.#fault = unavailable(this.#options.server, 'closed its pipes');
      this.#child.kill();
    }, PIPE_GRACE_MS);
    timer.unref();
  }

  #onLine(line: Buffer): void {
    let envelopes: Envelope[];
    try {
      const limits = { maxBytes: this.#options.config.maxMessageBytes };
      envelopes = isBatch(line) ? scanMessages(line, limits) : [scanEnvelope(line, limits)];
    } catch (error) {
      if (!this.#stray.take(line, BridgeError.from(error)))
        this.#breakOff('writes things that are no messages to stdout');
      return;
    }
    this.#stray.reset();
    for (const envelope of envelopes) {
      try {
        this.#conversation.receive(envelope, undefined);
      } catch (error) {
        this.#options.log.error({ err: error }, 'a message of the server could not be handled');
      }
    }
  }

  #breakOff(what: string): void {
    this.#reader.stop();
    this.#fault = new BridgeError('UPSTREAM_PROTOCOL', `Server "${this.#options.server}" ${what}; restarted`);
    this.#options.log.warn(this.#fault.message);
    this.#closed = true;
    this.#child.kill();
    this.#conversation.close(
      () => this.#fault ?? unavailable(this.#options.server, 'broke off'),
      this.#fault,
    );
  }

  #onExit(exit: ChildExit): void {
    const { meters, log, server, config } = this.#options;
    meters.connections.dec();
    const wasClosing = this.#closing;
    const reason = this.#fault ?? this.#child.fault ?? exitError(server, config, exit);
    this.#endConversation(reason);
    if (wasClosing) return;
    meters.failed(exit.spawnError === undefined ? 'exit' : 'spawn');
    log.warn({ code: exit.code, signal: exit.signal }, reason.message);
    this.#options.onLost(reason);
  }

  /** For requests that came after the end: whatever it was, these have not run. */
  #notSent(): BridgeError {
    if (this.#fault?.code === 'UPSTREAM_UNAVAILABLE') return this.#fault;
    return unavailable(this.#options.server, 'is not running any more');
  }

  #endConversation(reason: BridgeError): void {
    this.#closed = true;
    this.#fault ??= reason;
    this.#conversation.close((pending) => (pending.sent ? outcomeUnknown(reason) : reason), reason);
  }
}

function unavailable(server: string, what: string): BridgeError {
  return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" ${what}`);
}

function outcomeUnknown(reason: BridgeError): BridgeError {
  const message = `${reason.message}; the call may have run`;
  return new BridgeError('OUTCOME_UNKNOWN', message, { cause: reason });
}
