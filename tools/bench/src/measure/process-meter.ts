import { descendantsOf } from '@mcp-bridge/testkit';
import { cpuMsBetween, readCpu, readProcessStat, type CpuReading } from './process-stat.js';

/** A process whose CPU time and memory a sample reports. */
export interface MeteredProcess {
  readonly name: string;
  readonly pid: number;
  /** False for what is reported but is no cost of the subject; default true. */
  readonly counted?: boolean;
  /** Name under which all that it started is reported together; left out, its children are not measured. */
  readonly childrenName?: string;
}

/** What one process, or the children of one process, used during a sample. */
export interface ProcessUse {
  readonly name: string;
  /** Part of the subject's cost. Children are not: they are upstream servers, the same behind every subject. */
  readonly counted: boolean;
  readonly cpuMs: number;
  /** At the end of the sample. */
  readonly rssMiB: number;
}

export interface ProcessMeter {
  /** Use since the meter was started. */
  read(): ProcessUse[];
}

const MIB = 1024 * 1024;

/**
 * Notes the CPU time of some processes now. Children that end before the reading are missing from it.
 */
export function startProcessMeter(processes: readonly MeteredProcess[]): ProcessMeter {
  const before = new Map<number, CpuReading | undefined>();
  for (const process of processes)
    for (const pid of [process.pid, ...childrenOf(process)]) before.set(pid, readCpu(pid));
  const useOf = (name: string, counted: boolean, pids: readonly number[]): ProcessUse => {
    const cpuMsOf = (pid: number): number => {
      const now = readCpu(pid);
      return now === undefined ? 0 : cpuMsBetween(before.get(pid), now);
    };
    return {
      name,
      counted,
      cpuMs: sumOf(pids, cpuMsOf),
      rssMiB: sumOf(pids, (pid) => (readProcessStat(pid)?.rssBytes ?? 0) / MIB),
    };
  };
  return {
    read: () =>
      processes.flatMap((process) => [
        useOf(process.name, process.counted ?? true, [process.pid]),
        ...(process.childrenName === undefined
          ? []
          : [useOf(process.childrenName, false, childrenOf(process))]),
      ]),
  };
}

function sumOf(pids: readonly number[], part: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + part(pid), 0);
}

function childrenOf({ pid, childrenName }: MeteredProcess): readonly number[] {
  return childrenName === undefined ? [] : descendantsOf(pid);
}
