import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

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

let units: KernelUnits | undefined;

export function kernelUnits(): KernelUnits {
  const configured = (name: string): number => Number(execFileSync('getconf', [name], { encoding: 'utf8' }));
  units ??= { ticksPerSecond: configured('CLK_TCK'), pageBytes: configured('PAGESIZE') };
  return units;
}
