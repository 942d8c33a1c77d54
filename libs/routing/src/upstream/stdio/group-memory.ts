import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Processes that are looked at in one turn of the event loop: about a millisecond. */
const PER_TURN = 50;
/** Fields of /proc/PID/stat, counted from the one after the command (proc_pid_stat(5)). */
const GROUP = 2;
const RESIDENT_PAGES = 21;
const PAGE_BYTES = 4096;

const stat = Buffer.alloc(1024);

/** False where there is no /proc of Linux. */
export function canMeasureGroups(): boolean {
  return statOf('self') !== undefined;
}

/**
 * Resident memory of process groups in bytes, in one pass over /proc for all of them; pages that several processes
 * share count for each. Waits between slices, so that nobody waits for it.
 */
export async function measureGroups(groups: ReadonlySet<number>): Promise<Map<number, number>> {
  const bytes = new Map<number, number>();
  let looked = 0;
  for (const name of readdirSync('/proc')) {
    if (!isNumeric(name)) continue;
    looked += 1;
    if (looked % PER_TURN === 0) await setImmediate();
    const fields = statOf(name);
    const group = Number(fields?.[GROUP]);
    if (fields === undefined || !groups.has(group)) continue;
    bytes.set(group, (bytes.get(group) ?? 0) + Number(fields[RESIDENT_PAGES]) * PAGE_BYTES);
  }
  return bytes;
}

function isNumeric(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 0x31 && first <= 0x39;
}

/** The fields of /proc/PID/stat after the command, which may hold anything; `undefined` when the process is gone. */
function statOf(pid: string): string[] | undefined {
  let file: number;
  try {
    file = openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    return undefined;
  }
  try {
    const length = readSync(file, stat, 0, stat.length, 0);
    return stat.toString('latin1', stat.lastIndexOf(')', length) + 2, length).split(' ');
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
