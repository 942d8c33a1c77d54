export { configSchema } from './config/schema.js';
export type {
  AdminConfig,
  AuthConfig,
  BridgeConfig,
  GatewayConfig,
  HttpServerConfig,
  LinkConfig,
  LogConfig,
  RouterConfig,
  ServerConfig,
  StdioServerConfig,
  ViewConfig,
} from './config/schema.js';
export { createLogger } from './logging.js';
export type { Logger, LoggerOptions } from './logging.js';
