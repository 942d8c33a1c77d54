import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnService } from './process/spawn-service.js';
import { createTempFolder } from './process/temp-folder.js';

/** A PostgreSQL server of its own: no network, a socket in a temp folder, gone with all its data on dispose. */
export interface Postgres extends AsyncDisposable {
  readonly pid: number;
  /** For clients that take one, such as `pg`: `postgresql://…?host=FOLDER`. */
  readonly url: string;
}

const DEBIAN_FOLDER = '/usr/lib/postgresql';
const USER = 'postgres';

/**
 * Starts PostgreSQL with durability off: data are lost when it ends anyway. It refuses to run as root, so root runs
 * it as the user `postgres` that comes with Debian's package.
 *
 * @throws {Error} that says what to install, when there is no PostgreSQL
 */
export async function startPostgres(): Promise<Postgres> {
  const bin = postgresPrograms();
  if (bin === undefined)
    throw new Error('PostgreSQL is missing: install it ("apt-get install postgresql" on Debian).');
  const folder = await createTempFolder();
  try {
    const owner = unprivilegedOwner();
    chmodSync(folder.path, 0o700);
    if (owner !== undefined) chownSync(folder.path, owner.uid, owner.gid);
    const data = join(folder.path, 'data');
    const init = ['-D', data, '-U', USER, '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'];
    run(join(bin, 'initdb'), init, owner, folder.path);
    const settings = {
      listen_addresses: '',
      unix_socket_directories: folder.path,
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const service = await spawnService(join(bin, 'postgres'), ['-D', data, ...flags], {
      readyPattern: /database system is ready to accept connections/,
      cwd: folder.path,
      ...(owner !== undefined && { owner }),
    });
    return {
      pid: service.pid,
      url: `postgresql://${USER}@/postgres?host=${encodeURIComponent(folder.path)}`,
      async [Symbol.asyncDispose]() {
        // Fast shutdown: it ends its clients' sessions and its own processes, some of which have groups of their own.
        await service.stop({ signal: 'SIGINT' });
        await folder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** The folder of the newest PostgreSQL; Debian keeps them outside of the path. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  const debian = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_FOLDER, version, 'bin'));
  return [...debian, ...(process.env['PATH'] ?? '').split(':')].find((folder) =>
    ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))),
  );
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Who is to run it in root's place. */
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, USER], { encoding: 'utf8' }).stdout);
  const owner = { uid: idOf('-u'), gid: idOf('-g') };
  if (owner.uid > 0 && owner.gid > 0) return owner;
  throw new Error(`PostgreSQL does not run as root, and there is no user "${USER}" to run it as.`);
}

function run(command: string, args: readonly string[], owner: Owner | undefined, cwd: string): void {
  const { status, stderr, error } = spawnSync(command, args, { ...owner, cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}
