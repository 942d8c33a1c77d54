import { randomBytes } from 'node:crypto';
import { createInProcessLink } from '@mcp-bridge/link';
import type {
  CallHandle,
  CallHandler,
  CallRequest,
  CallSink,
  CancelReason,
  InputMessage,
  Link,
} from '@mcp-bridge/link';
import { createMetrics, type Metrics } from '@mcp-bridge/metrics';
import { type AuthConfig, configSchema, createLogger, type GatewayConfig } from '@mcp-bridge/service';
import { type Gateway, startGateway } from './gateway.js';

/** One call as the router sees it; the test answers it. */
export interface RouterCall {
  readonly request: CallRequest;
  readonly sink: CallSink;
  /** Why it was cancelled; undefined while it was not. */
  cancelled: CancelReason | undefined;
}

/** Answers a call at once, or keeps it for the test to answer. */
export type Answer = (call: RouterCall) => void;

/** A router of the test: records what arrives, and answers as the test says. */
export class TestRouter implements CallHandler {
  readonly calls: RouterCall[] = [];
  readonly inputs: InputMessage[] = [];
  readonly #answers = new Map<string, Answer>();
  #onChange: (() => void)[] = [];

  constructor() {
    this.on('server/discover', (call) =>
      call.sink.onResult(
        json({
          resultType: 'complete',
          supportedVersions: ['2026-07-28', '2025-11-25'],
          capabilities: { tools: { listChanged: true }, logging: {} },
          instructions: 'Be kind.',
          ttlMs: 60_000,
          cacheScope: 'private',
          _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'test-router', version: '9' } },
        }),
      ),
    );
  }

  /** Sets the answer to a method; calls of other methods stay pending. */
  on(method: string, answer: Answer): this {
    this.#answers.set(method, answer);
    return this;
  }

  call(request: CallRequest, sink: CallSink): CallHandle {
    const call: RouterCall = { request, sink, cancelled: undefined };
    this.calls.push(call);
    this.#answers.get(request.method)?.(call);
    this.#changed();
    return {
      cancel: (reason) => {
        call.cancelled = reason ?? 'client';
        this.#changed();
      },
    };
  }

  input(message: InputMessage): void {
    this.inputs.push(message);
    this.#changed();
  }

  callsOf(method: string): RouterCall[] {
    return this.calls.filter((call) => call.request.method === method);
  }

  /** Resolves when the condition holds; checked after every call, cancel and input. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => this.#onChange.push(resolve));
    }
  }

  /** The nth call of a method, when it has come. */
  nth(method: string, index = 0): Promise<RouterCall> {
    return this.until(() => this.callsOf(method)[index]);
  }

  #changed(): void {
    const waiting = this.#onChange;
    this.#onChange = [];
    for (const resolve of waiting) resolve();
  }
}

export interface TestGatewayOptions {
  readonly config?: Partial<GatewayConfig>;
  readonly auth?: AuthConfig;
  /** The way to the test router, which the caller closes; in-process unless told otherwise. */
  readonly link?: Link;
  readonly router?: TestRouter;
}

export interface TestGateway extends Gateway {
  readonly router: TestRouter;
  readonly metrics: Metrics;
}

/** A gateway on a free port, in front of a test router; anonymous callers are let in unless told otherwise. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { router = new TestRouter(), link = createInProcessLink(router) } = options;
  const metrics = createMetrics({ processMetrics: false });
  const config = { ...configSchema.parse({}).gateway, port: 0, ...options.config };
  const auth = options.auth ?? { keys: [], anonymous: { tenant: 'test' } };
  const log = createLogger({ name: 'test', level: 'silent' });
  const gateway = await startGateway({ config, auth, link, log, metrics });
  return { ...gateway, router, metrics };
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function randomSecret(): string {
  return randomBytes(32).toString('hex');
}
