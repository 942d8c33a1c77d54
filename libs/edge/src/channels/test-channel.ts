import { createDeadlineWheel, createInProcessLink } from '@mcp-bridge/link';
import { createMetrics, type Metrics } from '@mcp-bridge/metrics';
import { createLogger } from '@mcp-bridge/service';
import { createDiscovery } from '../sessions/discovery.js';
import { createInitialize } from '../sessions/initialize.js';
import { createSessions } from '../sessions/sessions.js';
import { randomSecret, TestRouter } from '../test-gateway.js';
import type { Conversation } from './conversation.js';
import { type Conversations, type ConversationsOptions, createConversations } from './conversations.js';
import type { CloseReason, MessagePipe } from './message-pipe.js';

/** As loose as a test needs. */
export interface AnyMessage {
  readonly jsonrpc?: string;
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A channel in memory: the client's end of a conversation. */
export class TestChannel implements MessagePipe {
  readonly received: AnyMessage[] = [];
  closed: CloseReason | undefined = undefined;
  /** What `send` answers. */
  takesMore = true;
  conversation: Conversation | undefined = undefined;
  #wake: (() => void)[] = [];
  #read = 0;

  send(message: Buffer): boolean {
    // Parsed as the client would; a batch of replies is an array.
    this.received.push(JSON.parse(message.toString('utf8')) as AnyMessage);
    this.#changed();
    return this.takesMore;
  }

  close(reason: CloseReason): void {
    this.closed = reason;
    this.conversation?.closed();
    this.#changed();
  }

  /** The client writes a message, or raw text. */
  write(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.conversation?.receive(Buffer.from(text));
  }

  writeBytes(bytes: Buffer): void {
    this.conversation?.receive(bytes);
  }

  /** The next message that was not read yet. */
  async next(): Promise<AnyMessage> {
    while (this.received.length === this.#read) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    this.#read += 1;
    return this.received[this.#read - 1] ?? {};
  }

  async ask(message: unknown): Promise<AnyMessage> {
    this.write(message);
    return await this.next();
  }

  async untilClosed(): Promise<CloseReason> {
    for (;;) {
      if (this.closed !== undefined) return this.closed;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

export interface TestChannels {
  readonly router: TestRouter;
  readonly metrics: Metrics;
  readonly conversations: Conversations;
  connect(): TestChannel;
}

/** Conversations in front of a test router. */
export function startTestChannels(options: Partial<ConversationsOptions> = {}): TestChannels {
  const router = new TestRouter();
  const link = createInProcessLink(router);
  const metrics = createMetrics({ processMetrics: false });
  const now = (): number => performance.now();
  const conversations = createConversations({
    link,
    initialize: createInitialize({
      sessions: createSessions({ keys: [Buffer.from(randomSecret())] }),
      discovery: createDiscovery({ link, timeoutMs: () => 1_000, now }),
    }),
    wheel: createDeadlineWheel({ now }),
    log: createLogger({ name: 'test', level: 'silent' }),
    metrics,
    transport: 'tcp',
    callTimeoutMs: () => 60_000,
    maxMessageBytes: 4096,
    maxBufferedBytes: 64 * 1024,
    ...options,
  });
  return {
    router,
    metrics,
    conversations,
    connect() {
      const channel = new TestChannel();
      const peer = { principal: { tenant: 'acme', id: 'ada' }, view: 'tools' };
      channel.conversation = conversations.open(channel, peer);
      return channel;
    },
  };
}

/** A request of an initialized client. */
export function legacy(id: unknown, method: string, params?: unknown): unknown {
  return { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) };
}

export function notification(method: string, params?: unknown): unknown {
  return { jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) };
}

export function initializeRequest(id: unknown, protocolVersion = '2025-11-25'): unknown {
  return legacy(id, 'initialize', {
    protocolVersion,
    capabilities: { sampling: {} },
    clientInfo: { name: 'test', version: '1' },
  });
}

/** A channel whose client has begun a session. */
export async function initialized(
  channels: TestChannels,
  protocolVersion = '2025-11-25',
): Promise<TestChannel> {
  const channel = channels.connect();
  await channel.ask(initializeRequest('init', protocolVersion));
  channel.write(notification('notifications/initialized'));
  return channel;
}
