import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel counts in. */
export interface KernelUnits {
  readonly ticksPerSecond: number;
  readonly pageBytes: number;
}

export interface ProcessStat {
  /** CPU time since the process started, user and system, all threads. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Parses `/proc/<pid>/stat` (proc(5)). */
export function parseProcessStat(text: string, units: KernelUnits): ProcessStat {
  // The command in parentheses may hold spaces and parentheses itself; the fields after it start at number 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    cpuMs: ((field(14) + field(15)) * 1000) / units.ticksPerSecond,
    rssBytes: field(24) * units.pageBytes,
  };
}

/** `undefined` when the process is gone. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), kernelUnits());
  } catch {
    return undefined;
  }
}

/** CPU time of a process at some moment. */
export interface CpuReading {
  /** All threads since the process started, in ticks of 10 ms. */
  readonly cpuMs: number;
  /** Of each thread that runs, to the nanosecond; empty where the kernel does not tell. */
  readonly threads: ReadonlyMap<string, number>;
}

/** `undefined` when the process is gone. */
export function readCpu(pid: number): CpuReading | undefined {
  const cpuMs = readProcessStat(pid)?.cpuMs;
  return cpuMs === undefined ? undefined : { cpuMs, threads: threadTimes(pid) };
}

/** CPU time in milliseconds between two readings: exact, or in ticks where a thread ended or the kernel does not tell. */
export function cpuMsBetween(before: CpuReading | undefined, after: CpuReading): number {
  const gone = [...(before?.threads.keys() ?? [])].some((thread) => !after.threads.has(thread));
  if (gone || after.threads.size === 0) return after.cpuMs - (before?.cpuMs ?? 0);
  let nanoseconds = 0;
  for (const [thread, ran] of after.threads) nanoseconds += ran - (before?.threads.get(thread) ?? 0);
  return nanoseconds / 1e6;
}

/** From `schedstat`, whose first number is the time that the thread ran (proc(5), sched-stats of the kernel). */
function threadTimes(pid: number): Map<string, number> {
  const folder = `/proc/${pid}/task`;
  try {
    return new Map(
      readdirSync(folder).map((thread) => [
        thread,
        Number.parseInt(readFileSync(`${folder}/${thread}/schedstat`, 'utf8'), 10),
      ]),
    );
  } catch {
    return new Map();
  }
}

let units: KernelUnits | undefined;

export function kernelUnits(): KernelUnits {
  const configured = (name: string): number => Number(execFileSync('getconf', [name], { encoding: 'utf8' }));
  units ??= { ticksPerSecond: configured('CLK_TCK'), pageBytes: configured('PAGESIZE') };
  return units;
}
