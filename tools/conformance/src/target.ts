import { fixtureCommand, spawnFixtureHttp } from '@mcp-bridge/testkit';
import { startHttpFront, type HttpFront } from './http-front/http-front.js';
import type { RunPlan } from './options.js';
import { startBridge, stopAll, type BridgeAddress, type Started } from './start-bridge.js';
import { wireOpener } from './wires/wire-opener.js';

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
  let front: HttpFront | undefined;
  const stop = async (): Promise<number> => {
    await front?.close();
    return await stopAll(services);
  };
  try {
    const { transport } = plan;
    const address = await startServices(plan, services);
    if (transport !== 'http') front = await startHttpFront(wireOpener(transport, address));
    return {
      url: front?.url ?? address.url,
      logs: () => services.map(({ name, service }) => `--- ${name}\n${service.output}`).join('\n'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServices(plan: RunPlan, services: Started[]): Promise<BridgeAddress> {
  const { topology, transport, upstream, era } = plan;
  const tcp = transport.startsWith('tcp');
  if (upstream === 'stdio' && topology !== 'direct')
    return await startBridge({ topology, upstream: fixtureCommand({ era }), tcp }, services);
  const fixture = await spawnFixtureHttp({ era });
  services.push({ name: 'fixture', service: fixture.service });
  if (topology === 'direct') return { url: fixture.url, tcpPort: undefined };
  return await startBridge({ topology, upstream: { url: fixture.url }, tcp }, services);
}
