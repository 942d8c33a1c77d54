import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { createDeadlineWheel, type Link, type Principal } from '@mcp-bridge/link';
import type { Metrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import type { GatewayConfig, Logger } from '@mcp-bridge/service';
import { createConversations } from '../channels/conversations.js';
import { lineOf, MessageLines } from '../channels/message-lines.js';
import type { MessagePipe } from '../channels/message-pipe.js';
import { createDiscovery } from '../sessions/discovery.js';
import { createInitialize } from '../sessions/initialize.js';
import { createSessions } from '../sessions/sessions.js';

export interface StdioOptions {
  readonly link: Link;
  /** What the client writes: one message a line. */
  readonly input: Readable;
  /** What the client reads: one message a line, and nothing else. */
  readonly output: Writable;
  readonly config: Pick<GatewayConfig, 'maxBodyBytes' | 'maxBufferedBytes'>;
  /** Whole-call limit; asked for each call. */
  readonly callTimeoutMs: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Whoever could spawn this process; nobody is authenticated. */
  readonly principal: Principal;
  /** `''` is the default view. */
  readonly view: string;
}

/** A client at the other end of two streams. */
export interface StdioClient {
  /** Resolves when the conversation is over: the client ended its side or went away, or `drain` is done. */
  readonly ended: Promise<void>;
  /** Takes no new requests, ends listens, waits for the calls in flight, at most `timeoutMs`; ends the output. */
  drain(timeoutMs: number): Promise<void>;
}

/** What a client that ended its side may still wait for; it asks for no more by ending it. */
const END_GRACE_MS = 10_000;
const SECRET_BYTES = 32;

/**
 * Serves MCP on two streams (basic/transports/stdio), both eras. The caller keeps everything else off `output`.
 * Input waits while the client does not read; one that leaves more than `maxBufferedBytes` unread is left.
 */
export function serveStdio(options: StdioOptions): StdioClient {
  const { link, input, output, config, callTimeoutMs, log, metrics } = options;
  const now = (): number => performance.now();
  const wheel = createDeadlineWheel({ now });
  const sessions = createSessions({ keys: [randomBytes(SECRET_BYTES)] });
  const discovery = createDiscovery({ link, timeoutMs: callTimeoutMs, now });
  const conversations = createConversations({
    link,
    initialize: createInitialize({ sessions, discovery }),
    wheel,
    log,
    metrics,
    transport: 'stdio',
    callTimeoutMs,
    maxMessageBytes: config.maxBodyBytes,
    maxBufferedBytes: config.maxBufferedBytes,
  });

  let resolveEnded: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve;
  });
  const pipe: MessagePipe = {
    send(message) {
      if (!output.write(lineOf(message))) input.pause();
      return output.writableLength <= config.maxBufferedBytes;
    },
    close(reason) {
      input.pause();
      if (reason !== 'slow') {
        output.end(resolveEnded);
        return;
      }
      log.warn(
        `the client left more than ${config.maxBufferedBytes} bytes unread; see gateway.maxBufferedBytes`,
      );
      output.destroy();
      resolveEnded();
    },
  };
  const conversation = conversations.open(pipe, { principal: options.principal, view: options.view });
  const lines = new MessageLines(config.maxBodyBytes, {
    onLine: (line) => conversation.receive(line),
    onLongLine() {
      const message = `The message has more than ${config.maxBodyBytes} bytes; see gateway.maxBodyBytes`;
      conversation.refuse(new BridgeError('PAYLOAD_TOO_LARGE', message));
    },
  });
  const gone = (): void => {
    conversation.closed();
    resolveEnded();
  };

  input.on('data', (chunk: Buffer) => lines.push(chunk));
  input.on('end', () => {
    lines.end();
    conversation.inputEnded();
    setTimeout(() => conversation.end('draining'), END_GRACE_MS).unref();
  });
  input.on('error', gone);
  output.on('drain', () => input.resume());
  output.on('error', gone);
  output.on('close', gone);

  return {
    ended,
    async drain(timeoutMs) {
      await conversations.drain(timeoutMs);
    },
  };
}
