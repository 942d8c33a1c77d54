import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Ends with a clear message on a Node that cannot run the project. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${process.versions.node} is too old: install Node 20.19, 22 or 24.`);
  }
  // uWebSockets.js comes as a binary; those for newer Nodes were linked on a newer system.
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  if (major > 20 && glibc !== undefined && Number(glibc.split('.')[1]) < 38) {
    fail(
      `Node ${major} needs glibc 2.38 here (Debian 13, Ubuntu 24.04); this system has ${glibc}. Use Node 20.`,
    );
  }
}

/** Runs `npm ci` when packages are missing or the lockfile is newer than what is installed. */
export function installPackages() {
  const installed = modifiedAt('node_modules/.package-lock.json');
  if (installed !== 0 && installed >= modifiedAt('package-lock.json')) return;
  console.log('Installing packages (npm ci); this takes a minute the first time …');
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const { status, error } = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error) fail(`Cannot run npm (${error.message}). Install npm 10 or newer.`);
  if (status !== 0) fail('npm ci failed. It needs a package registry the first time; see its message above.');
}

/** Installs Debian's PostgreSQL, which some tests start, where that can be done; they are skipped without it. */
export function installPostgres() {
  if (existsSync('/usr/lib/postgresql') || isRunnable('initdb')) return;
  if (process.getuid?.() !== 0 || !isRunnable('apt-get')) {
    console.log('PostgreSQL is missing, its tests are skipped ("apt-get install postgresql" on Debian).');
    return;
  }
  console.log('Installing PostgreSQL (apt-get install postgresql) …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { env, stdio: 'ignore' }).status === 0;
  const install = () => apt('install', '-y', '-q', '--no-install-recommends', 'postgresql');
  if (install() || (apt('update', '-q') && install())) return;
  console.log('apt-get could not install postgresql: its tests are skipped.');
}

function isRunnable(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Runs a tool from node_modules with this Node; returns its exit code. */
export function runTool(script, args, options = {}) {
  const { status } = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: 'inherit',
    ...options,
  });
  return status ?? 1;
}

export function fail(message) {
  console.error(message);
  process.exit(1);
}

function modifiedAt(file) {
  try {
    return statSync(path.join(root, file)).mtimeMs;
  } catch {
    return 0;
  }
}
