import { fileURLToPath } from 'node:url';
import {
  createTempFolder,
  descendantsOf,
  freePort,
  isRunning,
  spawnService,
  waitFor,
  type CommandLine,
  type SpawnedService,
} from '@mcp-bridge/testkit';
import { bridgeConfig, SERVER_NAME } from './bridge-config.js';

const BRIDGE = fileURLToPath(new URL('../../../apps/bridge/bin/mcp-bridge.mjs', import.meta.url));

/** Every service logs this line when it serves; the group is its admin port. */
const READY = /"adminPort":(\d+).*"msg":"ready"/;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
/** What a router started may end a moment after it: the shell that would kill its servers, if it were killed. */
const AFTERMATH_MS = 2_000;

/** A process that a run started, with the name that its log is printed under. */
export interface Started {
  readonly name: string;
  readonly service: SpawnedService;
}

export interface BridgeOptions {
  readonly topology: 'one' | 'two';
  readonly upstream: CommandLine | { readonly url: string };
  /** Serves MCP over TCP, too. */
  readonly tcp?: boolean;
}

/** Where a bridge takes clients. */
export interface BridgeAddress {
  /** The route of its only server. */
  readonly url: string;
  readonly tcpPort: number | undefined;
}

/**
 * Starts `mcp-bridge` in front of one server, as one process or two, and waits until it is ready.
 *
 * @param services - what was started is added here, also when this throws: the caller stops it
 * @throws {Error} with a service's output when it does not start
 */
export async function startBridge(
  { topology, upstream, tcp = false }: BridgeOptions,
  services: Started[],
): Promise<BridgeAddress> {
  await using folder = await createTempFolder();
  const tcpPort = tcp ? await freePort() : undefined;
  const ports = { gateway: await freePort(), router: await freePort(), tcp: tcpPort };
  const file = await folder.write('bridge.yaml', bridgeConfig(upstream, ports));
  for (const role of topology === 'one' ? ['start'] : ['router', 'gateway']) {
    const service = await spawnService(process.execPath, [BRIDGE, role, '-c', file], {
      readyPattern: READY,
      readyTimeoutMs: START_LIMIT_MS,
    });
    services.push({ name: role, service });
    // A gateway says that it is ready as soon as it listens; its link to the router may take longer.
    const readyUrl = `http://127.0.0.1:${service.ready[1] ?? ''}/readyz`;
    await waitFor(async () => (await fetch(readyUrl)).ok, {
      timeoutMs: START_LIMIT_MS,
      what: `${role} to be ready`,
    });
  }
  return { url: `http://localhost:${ports.gateway}/mcp/${SERVER_NAME}`, tcpPort };
}

/** Stops what was started, the last one first, and kills what is left. Returns how many processes were. */
export async function stopAll(services: readonly Started[]): Promise<number> {
  let left = 0;
  for (const { service } of [...services].reverse()) {
    const below = descendantsOf(service.pid);
    await service.stop({ graceMs: STOP_LIMIT_MS });
    const survivors = await runningAfter(below, AFTERMATH_MS);
    for (const pid of survivors) process.kill(pid, 'SIGKILL');
    left += survivors.length;
  }
  return left;
}

async function runningAfter(pids: readonly number[], timeoutMs: number): Promise<number[]> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const running = pids.filter(isRunning);
    if (running.length === 0 || performance.now() > giveUpAt) return running;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
