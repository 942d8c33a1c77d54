import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from 'pino';

/** Length of the period in which a limit is kept, in microseconds; the kernel's own default. */
const PERIOD_US = 100_000;
/** What a process left behind in its group is killed at the same time, and gone soon after. */
const REMOVE_AGAIN_MS = 1_000;

const NO_EFFECT =
  'cpuLimit of servers has no effect: it needs cgroup v2 with the cpu controller, delegated to the bridge';

export interface CpuCgroupsOptions {
  readonly log: Logger;
  /** Where cgroup v2 is mounted. */
  readonly mount?: string;
  /** Tells in which cgroup this process is. */
  readonly ownCgroupFile?: string;
}

/**
 * Limits processes to a share of the machine's cores by cgroup v2, one cgroup for each below the bridge's own. Where that
 * cannot be had (cgroup v1, no right to write, a container without delegation) the first attempt says so in the log,
 * and processes run without limit.
 */
export class CpuCgroups {
  readonly #options: Required<CpuCgroupsOptions>;
  /** Where the cgroups are made; `undefined` until it was tried, `null` when it cannot be. */
  #folder: string | undefined | null;
  #warned = false;

  constructor(options: CpuCgroupsOptions) {
    this.#options = { mount: '/sys/fs/cgroup', ownCgroupFile: '/proc/self/cgroup', ...options };
  }

  /**
   * Keeps a process, and what it starts from now on, to so many cores.
   * @returns to be called when the process and its group are gone
   */
  limit(server: string, pid: number, cores: number): () => void {
    if (this.#folder === undefined) this.#folder = this.#tried(() => this.#prepare()) ?? null;
    if (this.#folder === null) return () => undefined;
    const cgroup = path.join(this.#folder, `${server}-${pid}`);
    this.#tried(() => {
      mkdirSync(cgroup, { recursive: true });
      writeFileSync(path.join(cgroup, 'cpu.max'), `${Math.round(cores * PERIOD_US)} ${PERIOD_US}`);
      writeFileSync(path.join(cgroup, 'cgroup.procs'), String(pid));
    });
    return () => remove(cgroup);
  }

  /** The first failure is logged; further ones have the same cause. */
  #tried<T>(attempt: () => T): T | undefined {
    try {
      return attempt();
    } catch (error) {
      // A process that has ended already needs no limit.
      const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
      if (!this.#warned && !isGone) this.#options.log.warn({ err: error }, NO_EFFECT);
      this.#warned ||= !isGone;
      return undefined;
    }
  }

  #prepare(): string {
    const { mount, ownCgroupFile } = this.#options;
    const [, own] = /^0::(.*)$/m.exec(readFileSync(ownCgroupFile, 'utf8')) ?? [];
    if (own === undefined) throw new Error(`${ownCgroupFile} names no cgroup v2`);
    const base = path.join(mount, own);
    const controllers = readFileSync(path.join(base, 'cgroup.controllers'), 'utf8').trim().split(' ');
    if (!controllers.includes('cpu')) throw new Error(`${base} has no cpu controller`);
    const folder = path.join(base, `mcp-bridge-${process.pid}`);
    mkdirSync(folder);
    try {
      enableCpu(base);
    } catch {
      // A cgroup that holds processes cannot divide its cores: the bridge moves into a leaf of its own.
      mkdirSync(path.join(folder, 'router'));
      writeFileSync(path.join(folder, 'router', 'cgroup.procs'), String(process.pid));
      enableCpu(base);
    }
    enableCpu(folder);
    return folder;
  }
}

function enableCpu(cgroup: string): void {
  writeFileSync(path.join(cgroup, 'cgroup.subtree_control'), '+cpu');
}

function remove(cgroup: string, again = true): void {
  try {
    rmdirSync(cgroup);
  } catch {
    if (again) setTimeout(() => remove(cgroup, false), REMOVE_AGAIN_MS).unref();
  }
}
