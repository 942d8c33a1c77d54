import { descendantsOf } from '@mcp-bridge/testkit';
import { readProcessStat } from './process-stat.js';

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
 * Notes the CPU time of some processes now. The kernel counts in ticks of 10 ms: sample for seconds.
 * Children that end before the reading are missing from it.
 */
export function startProcessMeter(processes: readonly MeteredProcess[]): ProcessMeter {
  const before = new Map<number, number>();
  for (const process of processes)
    for (const pid of [process.pid, ...childrenOf(process)])
      before.set(pid, readProcessStat(pid)?.cpuMs ?? 0);
  const useOf = (name: string, counted: boolean, pids: readonly number[]): ProcessUse => {
    const stats = pids.map((pid) => ({ pid, stat: readProcessStat(pid) }));
    const sum = (part: (each: (typeof stats)[number]) => number): number =>
      stats.reduce((total, each) => total + part(each), 0);
    return {
      name,
      counted,
      cpuMs: sum(({ pid, stat }) => (stat === undefined ? 0 : stat.cpuMs - (before.get(pid) ?? 0))),
      rssMiB: sum(({ stat }) => (stat?.rssBytes ?? 0) / MIB),
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

function childrenOf({ pid, childrenName }: MeteredProcess): readonly number[] {
  return childrenName === undefined ? [] : descendantsOf(pid);
}
