import { BridgeError } from '@mcp-bridge/protocol';
import type { StdioServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import { RestartPolicy } from '../restart-policy.js';
import { startChild } from './child-process.js';
import type { Child, ChildExit } from './child-process.js';
import { exitError } from './exit-error.js';
import type { ProcessMeters } from './process-meters.js';
import type { Place, SpareProcess } from './process-places.js';
import { pipeStderrToLog } from './stderr-log.js';
import type { Supervision } from './supervision.js';

const MIB = 1024 * 1024;
/** Before a warm process that ended by itself is replaced. */
const WARM_PAUSE_MS = 100;

export interface ServerProcessesOptions {
  readonly server: string;
  readonly config: StdioServerConfig;
  readonly log: Logger;
  readonly processMeters: ProcessMeters;
  readonly supervision: Supervision;
  readonly now: () => number;
}

/** A process with its place, which changes hands with it. */
interface Running {
  readonly child: Child;
  readonly since: number;
  place: Place;
}

/** A process to talk to. */
export interface TakenProcess {
  readonly child: Child;
  /** It waited, and may have ended meanwhile: worth another attempt. */
  readonly wasWarm: boolean;
}

/**
 * The processes of one server: started within the router's limits, watched, counted. Those of sessions and tenants
 * come from a pool of `poolSize` warm ones, which is filled from the first use on. They wait without a handshake:
 * what it says of the client is not known yet.
 */
export class ServerProcesses {
  readonly #options: ServerProcessesOptions;
  readonly #running = new Set<Running>();
  /** Those of them that wait, the oldest first. */
  readonly #warm: Running[] = [];
  readonly #warmSize: number;
  readonly #warmDeaths: RestartPolicy;
  readonly #leave: () => void;
  #filling: NodeJS.Timeout | undefined;
  #inUse = false;
  /** Processes that ended by themselves and have not been replaced. */
  #lost = 0;
  #closed = false;

  constructor(options: ServerProcessesOptions) {
    this.#options = options;
    const { config, now, supervision } = options;
    this.#warmDeaths = new RestartPolicy(now);
    this.#warmSize = config.isolation === 'shared' ? 0 : (config.poolSize ?? 0);
    this.#leave = supervision.places.join({ spare: (tenant) => this.#spare(tenant) });
  }

  /**
   * A process for a channel of this tenant, `''` for everybody's.
   * @throws {BridgeError} OVERLOADED when the router or the tenant runs too many
   */
  async take(tenant: string, mayBeWarm = true): Promise<TakenProcess> {
    const { config, supervision } = this.#options;
    if (tenant !== '') this.#inUse = true;
    const warm = tenant !== '' && mayBeWarm ? this.#warm.shift() : undefined;
    try {
      if (warm !== undefined && (await this.#handOver(warm, tenant)))
        return { child: warm.child, wasWarm: true };
      if (this.#running.size >= config.maxProcesses) await this.#spare(undefined)?.end();
      return { child: this.#start(await supervision.places.reserve(tenant)).child, wasWarm: false };
    } finally {
      this.#fillSoon(0);
    }
  }

  /** False when it ended while its client's tenant was made room for. */
  async #handOver(warm: Running, tenant: string): Promise<boolean> {
    try {
      warm.place = await this.#options.supervision.places.handOver(warm.place, tenant);
    } catch (error) {
      if (this.#closed) void endWarm(warm);
      else if (this.#running.has(warm)) this.#warm.push(warm);
      throw error;
    }
    if (this.#running.has(warm)) return true;
    warm.place.release();
    return false;
  }

  /** Ends those that wait; what was taken is ended by whoever took it. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#filling);
    this.#leave();
    await Promise.all(this.#warm.splice(0).map(endWarm));
  }

  #start(place: Place): Running {
    const { config, log, now, processMeters } = this.#options;
    const child = startChild(config);
    const running = { child, since: now(), place };
    this.#running.add(running);
    processMeters.running.inc();
    if (this.#lost > 0) {
      this.#lost -= 1;
      processMeters.restarts.inc();
    }
    pipeStderrToLog(child.stderr, log, now, processMeters.stderrDropped);
    const unwatch = this.#watchMemory(child);
    const unlimit = this.#limitCpu(child);
    void child.exited.then((exit) => {
      unwatch();
      unlimit();
      running.place.release();
      this.#running.delete(running);
      processMeters.running.dec();
      if (!child.stopping) this.#lost += 1;
      this.#onExit(running, exit);
    });
    return running;
  }

  #onExit(running: Running, exit: ChildExit): void {
    const index = this.#warm.indexOf(running);
    if (index < 0) return this.#fillSoon(0);
    this.#warm.splice(index, 1);
    const { config, log, server } = this.#options;
    const reason = running.child.fault ?? exitError(server, config, exit);
    log.warn(`${reason.message} while it waited for its first client`);
    this.#warmDeaths.failed();
    this.#fillSoon(WARM_PAUSE_MS);
  }

  #limitCpu({ pid }: Child): () => void {
    const { config, server, supervision } = this.#options;
    if (config.cpuLimit === undefined || pid === undefined) return () => undefined;
    return supervision.cpu.limit(server, pid, config.cpuLimit);
  }

  #watchMemory(child: Child): () => void {
    const { config, processMeters, server, supervision } = this.#options;
    const { memoryLimit } = config;
    if (memoryLimit === undefined || child.pid === undefined) return () => undefined;
    return supervision.memory.add(child.pid, memoryLimit, (bytes) => {
      const message =
        `Server "${server}" used ${mib(bytes)} of memory, more than its memoryLimit of ${mib(memoryLimit)}` +
        ` (servers.${server}.memoryLimit), and was ended`;
      processMeters.memoryLimitKills.inc();
      child.end(new BridgeError('UPSTREAM_UNAVAILABLE', message));
    });
  }

  /** Looks after the pool soon, not now: a start keeps the router for some milliseconds. */
  #fillSoon(delayMs: number): void {
    if (this.#closed || !this.#inUse || this.#filling !== undefined) return;
    if (this.#warm.length >= this.#warmSize) return;
    this.#filling = setTimeout(
      () => {
        this.#filling = undefined;
        this.#fill();
      },
      Math.max(delayMs, this.#warmDeaths.waitMs),
    );
    this.#filling.unref();
  }

  #fill(): void {
    if (this.#running.size >= this.#options.config.maxProcesses) return;
    // Nobody has to go for a process that only waits. The next exit is the next occasion.
    const place = this.#options.supervision.places.reserveFree();
    if (place === undefined) return;
    this.#warm.push(this.#start(place));
    this.#fillSoon(0);
  }

  #spare(tenant: string | undefined): SpareProcess | undefined {
    const oldest = this.#warm[0];
    if (oldest === undefined || tenant !== undefined) return undefined;
    const end = async (): Promise<void> => {
      const index = this.#warm.indexOf(oldest);
      if (index >= 0) this.#warm.splice(index, 1);
      await endWarm(oldest);
    };
    return { rank: 0, idleSince: oldest.since, end };
  }
}

async function endWarm({ child }: Running): Promise<void> {
  child.stdin.end();
  await child.stop();
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
