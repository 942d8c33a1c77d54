import { fileURLToPath } from 'node:url';
import {
  createTempFolder,
  descendantsOf,
  fixtureCommand,
  freePort,
  isRunning,
  spawnFixtureHttp,
  spawnService,
  waitFor,
  type SpawnedService,
} from '@mcp-bridge/testkit';
import { bridgeConfig } from './bridge-config.js';
import type { RunPlan } from './options.js';

const BRIDGE = fileURLToPath(new URL('../../../apps/bridge/bin/mcp-bridge.mjs', import.meta.url));

/** Every service logs this line when it serves; the group is its admin port. */
const READY = /"adminPort":(\d+).*"msg":"ready"/;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** What the suite is pointed at: the fixture and the bridge of one run, or the fixture alone. */
export interface Target {
  readonly url: string;
  /** What the services logged so far, by name. */
  logs(): string;
  /** Stops everything in order, then kills what is left. Returns how many processes outlived their service. */
  stop(): Promise<number>;
}

/** @throws {Error} with a service's output when it does not start; nothing is left running */
export async function startTarget(plan: RunPlan): Promise<Target> {
  const services: Started[] = [];
  const stop = (): Promise<number> => stopAll(services);
  try {
    const url = await startServices(plan, services);
    return {
      url,
      logs: () => services.map(({ name, service }) => `--- ${name}\n${service.output}`).join('\n'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Started {
  readonly name: string;
  readonly service: SpawnedService;
}

async function startServices(plan: RunPlan, services: Started[]): Promise<string> {
  let fixtureUrl: string | undefined;
  if (plan.upstream === 'http') {
    const fixture = await spawnFixtureHttp({ era: plan.era });
    services.push({ name: 'fixture', service: fixture.service });
    fixtureUrl = fixture.url;
    if (plan.topology === 'direct') return fixtureUrl;
  }
  await using folder = await createTempFolder();
  const ports = { gateway: await freePort(), router: await freePort() };
  const upstream = fixtureUrl === undefined ? fixtureCommand({ era: plan.era }) : { url: fixtureUrl };
  const file = await folder.write('bridge.yaml', bridgeConfig(upstream, ports));
  for (const role of plan.topology === 'one' ? ['start'] : ['router', 'gateway']) {
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
  return `http://localhost:${ports.gateway}/mcp/fixture`;
}

/** The last one started is stopped first. */
async function stopAll(services: readonly Started[]): Promise<number> {
  let left = 0;
  for (const { service } of [...services].reverse()) {
    const below = descendantsOf(service.pid);
    await service.stop({ graceMs: STOP_LIMIT_MS });
    const survivors = below.filter(isRunning);
    for (const pid of survivors) process.kill(pid, 'SIGKILL');
    left += survivors.length;
  }
  return left;
}
