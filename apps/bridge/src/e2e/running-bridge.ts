import { rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createTempFolder, freePort, spawnService, type SpawnedService, waitFor } from '@mcp-bridge/testkit';

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
  /** Puts another file in place of the one that the bridge was started with, as editors do. It notices after a second. */
  configure(options: Omit<RunningBridgeOptions, 'topology'> | string): Promise<void>;
  /** Sends SIGHUP, and waits until every process has applied or refused its file. */
  reload(): Promise<void>;
}

export interface RunningBridgeOptions {
  readonly servers: Record<string, unknown>;
  /** `one` process, or gateway and router in `two`. */
  readonly topology?: 'one' | 'two';
  /** Further sections of the configuration. */
  readonly config?: Record<string, unknown>;
  /** The script to run instead of `bin/mcp-bridge.mjs`. */
  readonly command?: string;
}

/** Starts a bridge with anonymous access on free ports. */
export async function startBridge(options: RunningBridgeOptions): Promise<RunningBridge> {
  const folder = await createTempFolder();
  const routerPort = await freePort();
  const textOf = ({ servers, config }: Omit<RunningBridgeOptions, 'topology'>): string =>
    JSON.stringify({
      servers,
      auth: { anonymous: {} },
      admin: { port: 0 },
      ...config,
      router: { port: routerPort, ...(config?.['router'] ?? {}) },
      gateway: { port: 0, routers: [`127.0.0.1:${routerPort}`], ...(config?.['gateway'] ?? {}) },
    });
  const file = await folder.write('bridge.json', textOf(options));
  let reloads = 0;
  const onLine = (line: string): void => {
    if (/"msg":"configuration re(loaded|fused)/.test(line)) reloads += 1;
  };
  const run = (command: string, readyPattern: RegExp): Promise<SpawnedService> => {
    const spawned = { readyPattern, readyTimeoutMs: 60_000, onLine };
    return spawnService(process.execPath, [options.command ?? COMMAND, command, '-c', file], spawned);
  };
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
    async configure(next) {
      await rename(await folder.write('next.json', typeof next === 'string' ? next : textOf(next)), file);
    },
    async reload() {
      const processes = new Set([gateway, router ?? gateway]);
      const until = reloads + processes.size;
      for (const { pid } of processes) process.kill(pid, 'SIGHUP');
      await waitFor(() => reloads >= until, { timeoutMs: 20_000, what: 'the reload' });
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
  readonly routers: readonly SpawnedService[];
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
    routers,
    async [Symbol.asyncDispose]() {
      await Promise.all([...gateways, ...routers].map((service) => service.kill()));
      await folder[Symbol.asyncDispose]();
    },
  };
}
