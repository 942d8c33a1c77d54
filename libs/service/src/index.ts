export { configSchema } from './config/schema.js';
export type {
  AdminConfig,
  AuthConfig,
  BridgeConfig,
  GatewayConfig,
  HttpServerConfig,
  LinkConfig,
  LogConfig,
  PinConfig,
  RouterConfig,
  ServerConfig,
  StdioServerConfig,
  ToolConfig,
  ViewConfig,
  WorkersConfig,
} from './config/schema.js';
export { configJsonSchema } from './config/json-schema.js';
export { EXIT_CONFIG, loadConfig, readConfig } from './config/load-config.js';
export type { ConfigResult, ConfigSources, LoadedConfig } from './config/load-config.js';
export { isLoopback } from './config/checks.js';
export type { ServiceRole } from './config/checks.js';
export { faultLine } from './config/faults.js';
export type { ConfigFault } from './config/faults.js';
export { gatewayLinkCredential, routerLinkCredential } from './config/link-credential.js';
export { createLogger, flushLog } from './logging.js';
export type { Logger, LoggerOptions } from './logging.js';
export { hostInUrl, startAdminServer } from './admin-server.js';
export type { AdminServer, AdminServerOptions, AdminSource } from './admin-server.js';
export { watchFiles } from './reload/watch-files.js';
export type { WatchFilesOptions } from './reload/watch-files.js';
export type { ConfigChange, ReloadCause } from './reload/reloader.js';
export { startService } from './service.js';
export type { Part, ProcessEvents, Service, ServiceOptions, ServiceState } from './service.js';
export { runService } from './run-service.js';
export type { Compose, RunServiceOptions, ServiceContext } from './run-service.js';
