import type { RouterConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import { CpuCgroups } from './cpu-cgroups.js';
import { MemoryWatch } from './memory-watch.js';
import { ProcessPlaces } from './process-places.js';

export type SupervisionConfig = Pick<RouterConfig, 'maxServers' | 'maxServersPerTenant'>;

/** What all child processes of a router have in common. */
export interface Supervision {
  readonly places: ProcessPlaces;
  readonly memory: MemoryWatch;
  readonly cpu: CpuCgroups;
  /** Other limits, from now on. */
  configure(config: SupervisionConfig): void;
}

/** Owns no process; what it watches has to be ended by whoever started it. */
export function createSupervision(config: SupervisionConfig, log: Logger): Supervision {
  const places = new ProcessPlaces(limitsOf(config));
  return {
    places,
    memory: new MemoryWatch(log),
    cpu: new CpuCgroups({ log }),
    configure: (next) => places.configure(limitsOf(next)),
  };
}

function limitsOf({ maxServers, maxServersPerTenant }: SupervisionConfig): {
  readonly max: number;
  readonly maxPerTenant: number;
} {
  return { max: maxServers, maxPerTenant: maxServersPerTenant };
}
