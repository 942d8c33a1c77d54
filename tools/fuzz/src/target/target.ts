import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  createTempFolder,
  echoServerCommand,
  spawnFixtureHttp,
  spawnService,
  type ExitStatus,
  type SpawnedService,
} from '@mcp-bridge/testkit';
import { CANARY, ECHO, NEW, OLD } from '../corpus/tools.js';
import { LogWatch } from './log-watch.js';

/** A call of the bridge under test ends after this, whatever happens. */
export const CALL_TIMEOUT_MS = 2_000;
/** The longest message that the bridge under test takes. */
export const MAX_MESSAGE_BYTES = 256 * 1024;
/** The key of a tenant that is not the anonymous one. */
export const OTHER_KEY = 'fuzz-other-tenant-0123456789abcdef';

/** Path of the `mcp-bridge` command. */
export const BRIDGE_COMMAND = fileURLToPath(
  new URL('../../../../apps/bridge/bin/mcp-bridge.mjs', import.meta.url),
);
const REPORT_MEMORY = new URL('report-memory.mjs', import.meta.url).href;

/** What `process.memoryUsage()` says in the bridge right after a full garbage collection. */
export interface MemoryUse {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

/** A bridge in one process, with servers of both eras behind it. */
export interface Target extends AsyncDisposable {
  readonly pid: number;
  /** Of HTTP and WebSocket. */
  readonly port: number;
  /** `http://127.0.0.1:PORT/mcp` */
  readonly url: string;
  readonly tcpPort: number;
  readonly log: LogWatch;
  /** The configuration that it runs with, for further bridges of the same kind. */
  readonly configFile: string;
  readonly exited: Promise<ExitStatus>;
  /** The last output of the process. */
  readonly output: string;
  collectGarbage(): Promise<MemoryUse>;
}

/** Starts a bridge with anonymous access and one further tenant, on free loopback ports. */
export async function startTarget(): Promise<Target> {
  const resources: AsyncDisposable[] = [];
  const dispose = async (): Promise<void> => {
    for (const resource of resources.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  };
  try {
    return await start(resources, dispose);
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function start(resources: AsyncDisposable[], dispose: () => Promise<void>): Promise<Target> {
  const folder = await createTempFolder();
  resources.push(folder);
  const old = await spawnFixtureHttp({ era: 'legacy' });
  resources.push(old);
  const modern = await spawnFixtureHttp({ era: 'modern' });
  resources.push(modern);
  const shared = { ...echoServerCommand(), isolation: 'shared' };
  const config = {
    servers: {
      [ECHO]: shared,
      [CANARY]: shared,
      [OLD]: { url: old.url, idleTtl: '3s' },
      [NEW]: { url: modern.url, idleTtl: '3s' },
    },
    auth: {
      anonymous: {},
      keys: [{ id: 'other', tenant: 'other', sha256: createHash('sha256').update(OTHER_KEY).digest('hex') }],
    },
    admin: { port: 0 },
    gateway: {
      port: 0,
      tcp: { port: 0, maxFrameBytes: MAX_MESSAGE_BYTES },
      maxBodyBytes: MAX_MESSAGE_BYTES,
      callTimeout: `${CALL_TIMEOUT_MS}ms`,
      keepAlive: '2s',
    },
    router: { sessionIdleTtl: '3s', inputTtl: '3s', listTimeout: '1s' },
  };
  const configFile = await folder.write('bridge.json', JSON.stringify(config));
  const log = new LogWatch();
  const service = await spawnService(
    process.execPath,
    ['--expose-gc', '--import', REPORT_MEMORY, BRIDGE_COMMAND, 'start', '-c', configFile],
    {
      readyPattern: /"url":"(\S+?)","tcp":"\S+:(\d+)"/,
      readyTimeoutMs: 60_000,
      onLine: (line) => log.line(line),
    },
  );
  resources.push(service);
  const url = service.ready[1] ?? '';
  return {
    pid: service.pid,
    url,
    port: Number(new URL(url).port),
    tcpPort: Number(service.ready[2]),
    log,
    configFile,
    exited: service.exited,
    get output() {
      return service.output;
    },
    collectGarbage: () => collectGarbage(service, log),
    [Symbol.asyncDispose]: dispose,
  };
}

async function collectGarbage(service: SpawnedService, log: LogWatch): Promise<MemoryUse> {
  const said = log.next('fuzz-memory ');
  process.kill(service.pid, 'SIGUSR2');
  const line = await Promise.race([said, service.exited.then(() => undefined)]);
  if (line === undefined) throw new Error('the bridge exited before it could say what memory it uses');
  // Written by report-memory.mjs.
  return JSON.parse(line) as MemoryUse;
}
