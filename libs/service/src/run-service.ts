import { writeSync } from 'node:fs';
import { type Metrics, createMetrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import type { ServiceRole } from './config/checks.js';
import { faultLine } from './config/faults.js';
import { type ConfigSources, EXIT_CONFIG, readConfig } from './config/load-config.js';
import type { LoadedConfig } from './config/load-config.js';
import type { BridgeConfig } from './config/schema.js';
import { type Logger, createLogger, flushLog } from './logging.js';
import { Reloader } from './reload/reloader.js';
import { watchFiles } from './reload/watch-files.js';
import { type Service, startService } from './service.js';

/** What a composition root works with. */
export interface ServiceContext {
  readonly config: BridgeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly service: Service;
}

export interface RunServiceOptions<T> extends ConfigSources {
  readonly role: ServiceRole;
  /** Called with what `compose` returned, once everything serves. */
  readonly onReady?: (composed: T) => void;
}

/** Builds the parts of a service and adds them in the order in which they depend on each other. */
export type Compose<T> = (context: ServiceContext) => Promise<T> | T;

/**
 * Runs one service from configuration to exit: checks the configuration, opens the admin server, lets
 * `compose` add the parts, waits for a signal and drains. SIGHUP and a changed file replace the configuration.
 *
 * @returns the exit code: 0 after an orderly end, 1 after a failure, 78 for a bad configuration
 */
export async function runService<T>(options: RunServiceOptions<T>, compose: Compose<T>): Promise<number> {
  const result = readConfig(options);
  if (!result.ok) {
    writeSync(2, `${result.faults.map(faultLine).join('\n')}\n`);
    return EXIT_CONFIG;
  }
  const { loaded } = result;
  const secrets = new Set(loaded.secrets);
  const log = createLogger({ name: options.role, level: loaded.config.log.level, secrets });
  for (const warning of loaded.warnings) log.warn(warning);
  try {
    return await runLoaded({ loaded, secrets, log, options }, compose);
  } finally {
    await flushLog(log);
  }
}

interface Run<T> {
  readonly loaded: LoadedConfig;
  readonly secrets: Set<string>;
  readonly log: Logger;
  readonly options: RunServiceOptions<T>;
}

async function runLoaded<T>({ loaded, secrets, log, options }: Run<T>, compose: Compose<T>): Promise<number> {
  const { config } = loaded;
  const { role } = options;
  const metrics = createMetrics();
  const reloader = new Reloader({
    running: loaded,
    read: () => readConfig(options),
    apply: (change) => service.reconfigure(change),
    secrets,
    log,
    metrics,
  });
  const drainTimeoutMs = role === 'router' ? config.router.drainTimeout : config.gateway.drainTimeout;
  let service: Service;
  try {
    const admin = role === 'stdio' ? undefined : config.admin;
    const onHangUp = (): void => reloader.request('signal');
    service = await startService({ name: role, admin, log, metrics, drainTimeoutMs, onHangUp });
  } catch (error) {
    log.fatal({ err: BridgeError.from(error) }, 'cannot start');
    return 1;
  }
  const stopWatching = watchFiles({
    files: () => reloader.files,
    onChange: () => {
      if (service.state !== 'draining') reloader.request('file');
    },
  });
  service.add('config', { state: () => reloader.state(), drain: async () => stopWatching() });
  let composed: T;
  try {
    composed = await compose({ config, log, metrics, service });
  } catch (error) {
    log.fatal({ err: error }, 'cannot start');
    await service.stop('cannot start');
    return BridgeError.from(error).code === 'CONFIG_INVALID' ? EXIT_CONFIG : 1;
  }
  service.ready();
  log.info({ role, adminPort: service.adminPort }, 'ready');
  options.onReady?.(composed);
  reloader.start();
  return await service.stopped;
}
