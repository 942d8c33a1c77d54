import { readFileSync } from 'node:fs';
import type { MemoryUse, Target } from '../target/target.js';

/** Memory of the bridge over a run. */
export interface MemoryFigures {
  /** After the warm-up, garbage collected. */
  readonly start: MemoryUse;
  readonly peakRssBytes: number;
  /** After the run and a time of rest, garbage collected. */
  readonly end: MemoryUse;
}

/** How much more may be in use at the end than at the start. */
export interface MemoryBounds {
  /** JavaScript's heap and what it holds outside of it. */
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const SAMPLE_MS = 200;

/** Watches the memory of the bridge; to be started when it is warm. */
export async function watchMemory(target: Target): Promise<{ stop(restMs: number): Promise<MemoryFigures> }> {
  const start = await target.collectGarbage();
  let peakRssBytes = start.rss;
  const sampler = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, rssOf(target.pid));
  }, SAMPLE_MS);
  return {
    async stop(restMs) {
      clearInterval(sampler);
      await new Promise((resolve) => setTimeout(resolve, restMs));
      return { start, peakRssBytes, end: await target.collectGarbage() };
    },
  };
}

/** Why the memory did not come back; undefined when it did. */
export function memoryFault({ start, end }: MemoryFigures, bounds: MemoryBounds): string | undefined {
  const heap = inUse(end) - inUse(start);
  if (heap > bounds.heapBytes) return `the heap kept ${mib(heap)} more than at the start`;
  const rss = end.rss - start.rss;
  return rss > bounds.rssBytes ? `the process kept ${mib(rss)} more than at the start` : undefined;
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function inUse({ heapUsed, external }: MemoryUse): number {
  return heapUsed + external;
}

/** 0 when the process is gone. */
function rssOf(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
    return pages * 4096;
  } catch {
    return 0;
  }
}
