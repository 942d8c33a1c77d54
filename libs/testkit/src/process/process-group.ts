import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

const tracked = new Set<number>();
let reaper: Writable | undefined;

/**
 * Reads `+ GROUP` and `- GROUP` and kills the groups it was left with when its input ends: when the process that
 * started it is gone, however it went. A test run that is killed itself runs no exit hook.
 */
const REAPER = `
groups=''
while read -r sign id; do
  if [ "$sign" = + ]; then groups="$groups $id"; continue; fi
  left=''
  for group in $groups; do [ "$group" = "$id" ] || left="$left $group"; done
  groups=$left
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done`;

/** Kills this group when the current process ends, even by SIGKILL. Returns the way to forget it. */
export function trackGroup(pgid: number): () => void {
  if (tracked.size === 0) process.once('exit', killTracked);
  tracked.add(pgid);
  reaper ??= startReaper();
  reaper.write(`+ ${pgid}\n`);
  return () => {
    tracked.delete(pgid);
    reaper?.write(`- ${pgid}\n`);
    if (tracked.size === 0) process.off('exit', killTracked);
  };
}

function startReaper(): Writable {
  // A group of its own, so that a signal to this process's group does not end it first.
  const child = spawn('/bin/sh', ['-c', REAPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  child.on('error', () => {});
  const { stdin } = child;
  stdin.on('error', () => {});
  // A pipe is a socket, which can let this process end; the stream type does not say so.
  (stdin as unknown as Socket).unref();
  return stdin;
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
