import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const PARTS = ['@modelcontextprotocol/conformance', '@modelcontextprotocol/inspector', 'node'];

/** Where the installed parts are. */
export interface SuiteInstallation {
  /** Node 22: the suite uses functions that Node 20 does not have. */
  readonly node: string;
  readonly cli: string;
  /** The Inspector's command. */
  readonly inspector: string;
  readonly version: string;
  /** Folder of the requirement sets. */
  readonly requirements: string;
}

/** The suite could not be installed; the message says why and what to do. */
export class InstallError extends Error {}

/**
 * Installs the suite, the Inspector and their Node into this package's own node_modules when they are not there yet. They are no
 * part of the workspace because they refuse to be installed under Node 20 with engine-strict.
 *
 * @throws {InstallError} with npm's output
 */
export function ensureSuite(log: (line: string) => void): SuiteInstallation {
  const missing = PARTS.filter((name) => versionOf(name) !== lockedVersionOf(name));
  if (missing.length > 0) {
    log(`Installing the conformance suite and Node 22 for it (once, about 330 MB): ${missing.join(', ')} …`);
    const npm = spawnSync('npm', ['ci', '--loglevel=error'], {
      cwd: PACKAGE,
      env: environmentOfOwn(),
      encoding: 'utf8',
    });
    if (npm.status !== 0)
      throw new InstallError(
        `npm ci in tools/conformance failed (${npm.error?.message ?? `exit ${npm.status}`}). It needs a package registry ` +
          `and 400 MB of disk. Run it by hand to try again.\n${npm.stdout ?? ''}${npm.stderr ?? ''}`,
      );
  }
  const installation: SuiteInstallation = {
    node: inPackage('node_modules/node/bin/node'),
    cli: inPackage('node_modules/@modelcontextprotocol/conformance/dist/index.js'),
    inspector: inPackage('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js'),
    version: versionOf('@modelcontextprotocol/conformance') ?? '',
    requirements: inPackage('node_modules/@modelcontextprotocol/conformance/requirements'),
  };
  for (const path of [installation.node, installation.cli, installation.inspector])
    if (!existsSync(path))
      throw new InstallError(
        `${path} is missing after the install. npm may have been told to run no install scripts; the package "node" ` +
          `needs its own to fetch the binary. Remove tools/conformance/node_modules and run npm ci there.`,
      );
  return installation;
}

/** Without what npx handed down from the workspace: its .npmrc is stricter than this package's. */
function environmentOfOwn(): NodeJS.ProcessEnv {
  const inherited = ['npm_config_engine_strict', 'npm_config_local_prefix'];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.includes(name)));
}

function inPackage(path: string): string {
  return `${PACKAGE}${path}`;
}

function versionOf(name: string): string | undefined {
  const file = inPackage(`node_modules/${name}/package.json`);
  // An installed package's own file, which always has a version.
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
    : undefined;
}

function lockedVersionOf(name: string): string | undefined {
  // The dependencies of this package are exact versions.
  const { dependencies } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies[name];
}
