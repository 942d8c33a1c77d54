import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/**
 * Reads `+group` and `-group` lines. At the end of its input, which is the end of the process that wrote them, it
 * kills every group that is still on its list. Signals that the terminal sends to everybody do not end it early.
 */
const GUARD_SCRIPT = `
trap '' INT TERM HUP
groups=' '
while read -r line; do
  group=\${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

/**
 * Makes sure that no process group outlives this process, however it ends: on a normal exit it kills them itself,
 * and after a SIGKILL a small shell that holds the other end of a pipe does. That shell is started with the first
 * group and leaves with the last process that knows it.
 */
class OrphanGuard {
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;

  /** From now on the group of this leader ends with this process. */
  add(leader: number): void {
    if (this.#groups.size === 0 && this.#shell === undefined) process.on('exit', () => this.#killAll());
    this.#groups.add(leader);
    if (this.#shell === undefined) this.#start();
    else this.#write(`+${leader}\n`);
  }

  /** The group is gone; its number may be another's soon. */
  remove(leader: number): void {
    if (this.#groups.delete(leader)) this.#write(`-${leader}\n`);
  }

  #start(): void {
    const shell = spawn('/bin/sh', ['-c', GUARD_SCRIPT], {
      detached: true,
      env: {},
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Without a shell (a bare container image) children are told by the end of their input, as before.
    shell.on('error', () => undefined);
    shell.stdin.on('error', () => undefined);
    shell.on('exit', () => {
      if (this.#shell !== shell) return;
      this.#shell = undefined;
      if (this.#groups.size > 0) this.#start();
    });
    shell.unref();
    // A pipe of a child is a socket here; it must not keep this process alive.
    (shell.stdin as unknown as { unref?: () => void }).unref?.();
    this.#shell = shell;
    for (const leader of this.#groups) this.#write(`+${leader}\n`);
  }

  #write(line: string): void {
    this.#shell?.stdin?.write(line);
  }

  #killAll(): void {
    for (const leader of this.#groups) {
      try {
        process.kill(-leader, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    }
  }
}

/** One for the whole process: it is the process's end that matters. */
export const orphanGuard = new OrphanGuard();
