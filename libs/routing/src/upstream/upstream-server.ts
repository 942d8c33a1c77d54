import type { Metrics } from '@mcp-bridge/metrics';
import type { HttpServerConfig, ServerConfig, StdioServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { UpstreamServer } from './channel.js';
import { HttpConnector } from './http/http-connector.js';
import { ManagedServer } from './managed-server.js';
import { createProcessMeters } from './stdio/process-meters.js';
import { ServerProcesses } from './stdio/server-processes.js';
import { StdioConnector } from './stdio/stdio-connector.js';
import { createSupervision } from './stdio/supervision.js';
import type { Supervision } from './stdio/supervision.js';
import { createUpstreamMeters } from './upstream-meters.js';

const UNLIMITED = { maxServers: Infinity, maxServersPerTenant: Infinity };
const STDIO_PROBE_TIMEOUT_MS = 2_000;
/** Longer: a hosted server may have to be woken up, and nearly all legacy ones answer the probe at once. */
const HTTP_PROBE_TIMEOUT_MS = 10_000;

export interface StartUpstreamServerOptions {
  readonly log: Logger;
  readonly metrics?: Metrics;
  /** What all child processes of the router have in common; without it the server's own. */
  readonly supervision?: Supervision;
  /** Monotonic milliseconds, for backoff, idle time and log rates. */
  readonly now?: () => number;
  /** How long a silent server may keep us from taking it for a legacy one. Default 2 s, 10 s over HTTP. */
  readonly probeTimeoutMs?: number;
}

/**
 * Makes a configured server usable. Nothing is spawned or connected before the first channel is asked for.
 * Close it: its processes and sessions live until then.
 */
export function startUpstreamServer(
  name: string,
  config: ServerConfig,
  options: StartUpstreamServerOptions,
): UpstreamServer {
  const now = options.now ?? (() => performance.now());
  const log = options.log.child({ server: name });
  const common = { name, log, now, isolation: config.isolation, idleTtlMs: config.idleTtl };
  if (isStdio(config)) {
    const meters = createUpstreamMeters(name, 'stdio', options.metrics);
    const probeTimeoutMs = options.probeTimeoutMs ?? STDIO_PROBE_TIMEOUT_MS;
    const supervision = options.supervision ?? createSupervision(UNLIMITED, log);
    const processMeters = createProcessMeters(name, options.metrics);
    const stdio = { server: name, config, log, now };
    const processes = new ServerProcesses({ ...stdio, processMeters, supervision });
    const connector = new StdioConnector({ ...stdio, meters, processes, probeTimeoutMs });
    const { poolSize = 1, maxProcesses: maxChannels } = config;
    return new ManagedServer({
      ...common,
      connector,
      poolSize: Math.max(1, poolSize),
      maxChannels,
      places: supervision.places,
    });
  }
  const meters = createUpstreamMeters(name, 'http', options.metrics);
  const probeTimeoutMs = options.probeTimeoutMs ?? HTTP_PROBE_TIMEOUT_MS;
  const connector = new HttpConnector({ server: name, config, log, meters, now, probeTimeoutMs });
  return new ManagedServer({ ...common, connector, poolSize: 1, maxChannels: MAX_SESSIONS });
}

/** Sessions with one HTTP upstream; each costs little here, but the upstream has to hold them. */
const MAX_SESSIONS = 100_000;

function isStdio(config: StdioServerConfig | HttpServerConfig): config is StdioServerConfig {
  return 'command' in config;
}
