import { spawnSync } from 'node:child_process';

/** A program that is no npm package. */
export interface Program {
  readonly command: string;
  readonly debianPackage: string;
  /** For one that is not on the path; default: the command can be run. */
  readonly isInstalled?: () => boolean;
}

/**
 * Finds a program, or installs Debian's package where that is possible.
 *
 * @throws {Error} that says what to install, where it is not
 */
export function ensureProgram(
  { command, debianPackage, isInstalled = () => canRun(command) }: Program,
  progress: (line: string) => void,
): void {
  if (isInstalled()) return;
  const canInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
  if (!canInstall)
    throw new Error(
      `${command} is missing: install it ("apt-get install ${debianPackage}" on Debian) and run this again.`,
    );
  progress(`Installing ${command} (apt-get install ${debianPackage}) …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): number | null =>
    spawnSync('apt-get', args, { env, stdio: 'ignore' }).status;
  if (apt('install', '-y', '-q', debianPackage) !== 0) {
    apt('update', '-q');
    apt('install', '-y', '-q', debianPackage);
  }
  if (!isInstalled())
    throw new Error(
      `apt-get could not install ${command}: run "apt-get install ${debianPackage}" and see why.`,
    );
}

/** Whatever it makes of the flag: a program that is missing cannot be started. */
function canRun(command: string): boolean {
  return spawnSync(command, ['--version'], { timeout: 5_000 }).error === undefined;
}
