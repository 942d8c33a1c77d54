import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTempFolder, freePort, spawnService, type SpawnedService } from '@mcp-bridge/testkit';
import { createResources } from '../resources.js';
import type { MeteredProcess } from '../measure/process-meter.js';
import { launchFlags } from './launch-flags.js';
import { bridgeConfig, UPSTREAM_NAME, type BridgeConfigOptions } from './bridge-config.js';
import type { Target } from './target.js';

export interface BridgeOptions extends Omit<BridgeConfigOptions, 'routerPort' | 'tcpPort'> {
  /** Serves binary TCP too. */
  readonly tcp?: boolean;
  /** Gateway processes before the one router of two processes; default 1. */
  readonly gateways?: number;
  /** Another checkout than this one, installed and built. */
  readonly checkout?: string;
  /** For the bridge's processes. */
  readonly nodeFlags?: readonly string[];
  /** Added to the environment of the bridge's processes: what native tools read. */
  readonly env?: Readonly<Record<string, string>>;
  /** A router that is already there, in place of the bridge's own; needs two processes. */
  readonly router?: { readonly port: number; readonly processes: readonly MeteredProcess[] };
  /** One process with everything, or a gateway and a router. */
  readonly topology: 'one process' | 'two processes';
  /** Where each process writes a CPU profile when it ends. */
  readonly profileFolder: string | undefined;
}

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const COMMAND = fileURLToPath(new URL('built-bridge.mjs', import.meta.url));

let isBuilt = false;

/**
 * Compiles the bridge, once per run: sources run through a loader would be slower.
 *
 * @throws {Error} with the compiler's output
 */
export function buildBridge(progress: (line: string) => void): void {
  if (isBuilt) return;
  isBuilt = true;
  progress('building the bridge (tsc -b apps/bridge)');
  const tsc = `${ROOT}node_modules/typescript/bin/tsc`;
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-b', 'apps/bridge'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status === 0) return;
  if (!existsSync(`${ROOT}apps/bridge/dist/main.js`))
    throw new Error(`the bridge does not build:\n${stdout}`);
  progress(`NOTE: the bridge does not build, its last build is measured: ${stdout.split('\n')[0]}`);
}

function profileFlags(folder: string, command: string): string[] {
  const name = `bridge-${command}-${Date.now()}.cpuprofile`;
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}`];
}

/** A running bridge, with what only it serves. */
export interface BridgeTarget extends Target {
  readonly gateways: readonly GatewayAddress[];
  /** Headers that its callers need. */
  readonly headers: Readonly<Record<string, string>>;
  readonly routerPort: number;
}

/** Where one gateway process listens. */
export interface GatewayAddress {
  readonly url: string;
  readonly webSocketUrl: string;
  /** `undefined` where TCP is not served. */
  readonly tcpPort: number | undefined;
  readonly process: MeteredProcess;
}

/** Starts a bridge with the default view on free loopback ports. */
export async function startBridge(options: BridgeOptions): Promise<BridgeTarget> {
  const { topology, key, router: ownRouter, gateways: count = 1 } = options;
  const resources = createResources();
  try {
    const folder = resources.add(await createTempFolder());
    const routerPort = ownRouter?.port ?? (await freePort());
    const run = async (command: string, readyPattern: RegExp, tcpPort?: number): Promise<SpawnedService> => {
      const config = bridgeConfig({ ...options, routerPort, ...(tcpPort !== undefined && { tcpPort }) });
      const file = await folder.write(`bridge-${command}-${tcpPort ?? 0}.json`, JSON.stringify(config));
      const { profileFolder, nodeFlags = [], env = {} } = options;
      const flags = profileFolder === undefined ? [] : profileFlags(profileFolder, command);
      const checkout = options.checkout ?? ROOT;
      const args = [...launchFlags(checkout), ...nodeFlags, ...flags, COMMAND, checkout, command, '-c', file];
      const service = await spawnService(process.execPath, args, {
        readyPattern,
        cwd: ROOT,
        env,
      });
      // In order, because only then a profile is written.
      resources.add({ [Symbol.asyncDispose]: () => service.stop().then(() => {}) });
      return service;
    };
    const isSplit = topology === 'two processes';
    const router = isSplit && ownRouter === undefined ? await run('router', /"msg":"ready"/) : undefined;
    const gateways: GatewayAddress[] = [];
    for (let index = 0; index < count; index += 1) {
      const tcpPort = options.tcp === true ? await freePort() : undefined;
      const gateway = await run(isSplit ? 'gateway' : 'start', /MCP Bridge serves (\S+)/, tcpPort);
      const url = gateway.ready[1] ?? '';
      const name = count === 1 ? 'gateway' : `gateway ${index + 1}`;
      const webSocketUrl = url.replace(/^http/, 'ws');
      gateways.push({ url, webSocketUrl, tcpPort, process: { name, pid: gateway.pid } });
    }
    const childrenName = 'upstream servers';
    const [first] = gateways;
    const own = gateways.map((gateway) => gateway.process);
    return {
      url: first?.url ?? '',
      echoTool: `${UPSTREAM_NAME}__echo`,
      gateways,
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      routerPort,
      processes: isSplit
        ? [
            ...own,
            ...(ownRouter?.processes ?? []),
            ...(router === undefined ? [] : [{ name: 'router', pid: router.pid, childrenName }]),
          ]
        : own.map(({ pid }) => ({ name: 'bridge', pid, childrenName })),
      [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
    };
  } catch (error) {
    await resources[Symbol.asyncDispose]();
    throw error;
  }
}
