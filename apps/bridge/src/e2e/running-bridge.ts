import { fileURLToPath } from 'node:url';
import { createTempFolder, freePort, spawnService, type SpawnedService } from '@mcp-bridge/testkit';

const COMMAND = fileURLToPath(new URL('../../bin/mcp-bridge.mjs', import.meta.url));

/** A bridge in processes of its own, as an operator runs it. */
export interface RunningBridge extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/mcp` */
  readonly url: string;
  /** `host:port` of the router of a split bridge. */
  readonly routerAddress: string;
  readonly gateway: SpawnedService;
  /** The second process of a split bridge; the gateway itself otherwise. */
  readonly router: SpawnedService;
  /** Starts a router at the address of the one that is gone. */
  restartRouter(): Promise<void>;
}

export interface RunningBridgeOptions {
  readonly servers: Record<string, unknown>;
  /** `one` process, or gateway and router in `two`. */
  readonly topology?: 'one' | 'two';
  /** Further sections of the configuration. */
  readonly config?: Record<string, unknown>;
}

/** Starts a bridge with anonymous access on free ports. */
export async function startBridge(options: RunningBridgeOptions): Promise<RunningBridge> {
  const folder = await createTempFolder();
  const routerPort = await freePort();
  const config = {
    servers: options.servers,
    auth: { anonymous: {} },
    admin: { port: 0 },
    router: { port: routerPort },
    ...options.config,
    gateway: { port: 0, routers: [`127.0.0.1:${routerPort}`], ...(options.config?.['gateway'] ?? {}) },
  };
  const file = await folder.write('bridge.json', JSON.stringify(config));
  const run = (command: string, readyPattern: RegExp): Promise<SpawnedService> =>
    spawnService(process.execPath, [COMMAND, command, '-c', file], { readyPattern, readyTimeoutMs: 60_000 });
  const startRouter = (): Promise<SpawnedService> => run('router', /"msg":"ready"/);

  const split = options.topology === 'two';
  let router = split ? await startRouter() : undefined;
  const gateway = await run(split ? 'gateway' : 'start', /MCP Bridge serves (\S+)/);
  return {
    url: gateway.ready[1] ?? '',
    routerAddress: `127.0.0.1:${routerPort}`,
    gateway,
    get router() {
      return router ?? gateway;
    },
    async restartRouter() {
      router = await startRouter();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([gateway.kill(), router?.kill()]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Several gateways in front of several routers, as a deployment runs them. */
export interface RunningFleet extends AsyncDisposable {
  /** The default view at each gateway. */
  readonly urls: readonly string[];
}

export async function startFleet(
  options: Omit<RunningBridgeOptions, 'topology'> & { readonly gateways: number; readonly routers: number },
): Promise<RunningFleet> {
  const folder = await createTempFolder();
  const ports = await Promise.all(Array.from({ length: options.routers }, freePort));
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const run = async (command: string, port: number, readyPattern: RegExp): Promise<SpawnedService> => {
    const config = {
      servers: options.servers,
      auth: { anonymous: {} },
      admin: { port: 0 },
      router: { port },
      ...options.config,
      gateway: { port: 0, routers: addresses, ...(options.config?.['gateway'] ?? {}) },
    };
    const file = await folder.write(`${command}-${port}.json`, JSON.stringify(config));
    return spawnService(process.execPath, [COMMAND, command, '-c', file], {
      readyPattern,
      readyTimeoutMs: 60_000,
    });
  };
  const routers = await Promise.all(ports.map((port) => run('router', port, /"msg":"ready"/)));
  const gateways = await Promise.all(
    Array.from({ length: options.gateways }, () => run('gateway', 0, /MCP Bridge serves (\S+)/)),
  );
  return {
    urls: gateways.map(({ ready }) => ready[1] ?? ''),
    async [Symbol.asyncDispose]() {
      await Promise.all([...gateways, ...routers].map((service) => service.kill()));
      await folder[Symbol.asyncDispose]();
    },
  };
}
