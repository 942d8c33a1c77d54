import { type Gateway, startGateway } from '@mcp-bridge/edge';
import { createInProcessLink } from '@mcp-bridge/link';
import { createMetrics } from '@mcp-bridge/metrics';
import { createRouting } from '@mcp-bridge/routing';
import { configSchema, createLogger } from '@mcp-bridge/service';
import { freePort, type HttpFixture, startFixtureHttp } from '@mcp-bridge/testkit';

export interface TestBridgeOptions {
  /** SHA-256 of the one key that is let in; anonymous callers are let in without it. */
  readonly sha256?: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/** A whole bridge in this process: a gateway on fixed ports, in front of a fixture server of each era. */
export class TestBridge implements AsyncDisposable {
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly legacy: HttpFixture;
  readonly modern: HttpFixture;
  readonly #startGateway: () => Promise<Gateway>;
  readonly #closeRouting: () => Promise<void>;
  #gateway: Gateway | undefined = undefined;

  private constructor(
    ports: readonly [number, number],
    fixtures: readonly [HttpFixture, HttpFixture],
    options: TestBridgeOptions,
  ) {
    [this.httpPort, this.tcpPort] = ports;
    [this.legacy, this.modern] = fixtures;
    const { sha256, tls } = options;
    const config = configSchema.parse({
      servers: { legacy: { url: this.legacy.url }, modern: { url: this.modern.url } },
      auth: sha256 === undefined ? { anonymous: {} } : { keys: [{ id: 'ada', sha256 }] },
      gateway: { port: this.httpPort, tcp: { port: this.tcpPort }, tls },
    });
    const log = createLogger({ name: 'test', level: 'silent' });
    const metrics = createMetrics({ processMetrics: false });
    const routing = createRouting({ config, log, metrics });
    const link = createInProcessLink(routing.handler);
    this.#startGateway = () =>
      startGateway({ config: config.gateway, auth: config.auth, link, log, metrics });
    this.#closeRouting = () => routing.close();
  }

  static async start(options: TestBridgeOptions = {}): Promise<TestBridge> {
    const ports = [await freePort(), await freePort()] as const;
    const fixtures = [
      await startFixtureHttp({ era: 'legacy' }),
      await startFixtureHttp({ era: 'modern' }),
    ] as const;
    const bridge = new TestBridge(ports, fixtures, options);
    await bridge.startGateway();
    return bridge;
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway is not running');
    return this.#gateway;
  }

  /** Starts the gateway at the address of the one that is gone. */
  async startGateway(): Promise<void> {
    this.#gateway = await this.#startGateway();
  }

  /** Cuts every connection, as a crash would. */
  async killGateway(): Promise<void> {
    await this.#gateway?.close();
    this.#gateway = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killGateway();
    await this.#closeRouting();
    await this.legacy[Symbol.asyncDispose]();
    await this.modern[Symbol.asyncDispose]();
  }
}
