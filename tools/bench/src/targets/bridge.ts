import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTempFolder, freePort, spawnService, type SpawnedService } from '@mcp-bridge/testkit';
import { createResources } from '../resources.js';
import type { Target, Upstream } from './target.js';

export interface BridgeOptions {
  readonly upstream: Upstream;
  /** One process with everything, or a gateway and a router. */
  readonly topology: 'one process' | 'two processes';
  /** Where each process writes a CPU profile when it ends. */
  readonly profileFolder: string | undefined;
}

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const COMMAND = fileURLToPath(new URL('built-bridge.mjs', import.meta.url));
const UPSTREAM_NAME = 'echo';

/**
 * Compiles the bridge: sources run through a loader would be slower.
 *
 * @throws {Error} with the compiler's output
 */
export function buildBridge(progress: (line: string) => void): void {
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

/** Starts a bridge with anonymous access and the default view on free loopback ports. */
export async function startBridge(options: BridgeOptions): Promise<Target> {
  const { upstream, topology, profileFolder } = options;
  const resources = createResources();
  try {
    const folder = resources.add(await createTempFolder());
    const routerPort = await freePort();
    const config = {
      servers: { [UPSTREAM_NAME]: { ...upstream, ...('command' in upstream && { isolation: 'shared' }) } },
      auth: { anonymous: {} },
      admin: { port: 0 },
      router: { port: routerPort },
      gateway: { port: 0, routers: [`127.0.0.1:${routerPort}`] },
    };
    const file = await folder.write('bridge.json', JSON.stringify(config));
    const run = async (command: string, readyPattern: RegExp): Promise<SpawnedService> => {
      const flags = profileFolder === undefined ? [] : profileFlags(profileFolder, command);
      const args = [...flags, COMMAND, command, '-c', file];
      const service = await spawnService(process.execPath, args, { readyPattern, cwd: ROOT });
      // In order, because only then a profile is written.
      resources.add({ [Symbol.asyncDispose]: () => service.stop().then(() => {}) });
      return service;
    };

    const childrenName = 'upstream servers';
    const isSplit = topology === 'two processes';
    const router = isSplit ? await run('router', /"msg":"ready"/) : undefined;
    const gateway = await run(isSplit ? 'gateway' : 'start', /MCP Bridge serves (\S+)/);
    return {
      url: gateway.ready[1] ?? '',
      echoTool: `${UPSTREAM_NAME}__echo`,
      processes:
        router === undefined
          ? [{ name: 'bridge', pid: gateway.pid, childrenName }]
          : [
              { name: 'gateway', pid: gateway.pid },
              { name: 'router', pid: router.pid, childrenName },
            ],
      [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
    };
  } catch (error) {
    await resources[Symbol.asyncDispose]();
    throw error;
  }
}
