import { readdirSync, readFileSync } from 'node:fs';

const tracked = new Set<number>();

/** Kills this group when the current process exits. Returns the way to forget it. */
export function trackGroup(pgid: number): () => void {
  if (tracked.size === 0) process.once('exit', killTracked);
  tracked.add(pgid);
  return () => {
    tracked.delete(pgid);
    if (tracked.size === 0) process.off('exit', killTracked);
  };
}

/** SIGKILL to every process of the group; does nothing when there is none. */
export function killGroup(pgid: number): void {
  try {
    process.kill(-pgid, 'SIGKILL');
  } catch {
    // ESRCH: all of them have ended.
  }
}

/** Ids of the processes below `pid`, children of children included. Linux only. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const child = Number(name);
    if (!Number.isInteger(child)) continue;
    const parent = parentOf(child);
    if (parent !== undefined) parents.set(child, parent);
  }
  const below = (root: number): number[] =>
    [...parents].filter(([, parent]) => parent === root).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

/** True while a process of this id runs (a zombie does not). */
export function isRunning(pid: number): boolean {
  return statOf(pid)?.state !== undefined && statOf(pid)?.state !== 'Z';
}

function parentOf(pid: number): number | undefined {
  const stat = statOf(pid);
  return stat === undefined || stat.state === 'Z' ? undefined : stat.parent;
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces and parentheses itself.
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function killTracked(): void {
  for (const pgid of tracked) killGroup(pgid);
}
