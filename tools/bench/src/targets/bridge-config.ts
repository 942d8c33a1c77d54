import { createHash } from 'node:crypto';
import type { Upstream } from './target.js';

/** What the benchmarks vary of a bridge's configuration. */
export interface BridgeConfigOptions {
  readonly upstream?: Upstream;
  /** Paths of native tools. */
  readonly tools?: readonly string[];
  /** The only key that is let in; anonymous callers otherwise. */
  readonly key?: string;
  readonly routerPort: number;
  /** Binary TCP; not served without. */
  readonly tcpPort?: number;
}

/** The name under which the upstream server appears. */
export const UPSTREAM_NAME = 'echo';

/** A configuration with defaults for all that is not varied, on free loopback ports. */
export function bridgeConfig(options: BridgeConfigOptions): Record<string, unknown> {
  const { upstream, tools = [], key, routerPort, tcpPort } = options;
  const shared = { isolation: 'shared' };
  return {
    servers:
      upstream === undefined
        ? {}
        : { [UPSTREAM_NAME]: { ...upstream, ...('command' in upstream && shared) } },
    tools,
    auth:
      key === undefined
        ? { anonymous: {} }
        : { keys: [{ id: 'bench', sha256: createHash('sha256').update(key).digest('hex') }] },
    admin: { port: 0 },
    router: { port: routerPort },
    gateway: {
      port: 0,
      routers: [`127.0.0.1:${routerPort}`],
      // More than any scenario opens on one gateway.
      ...(tcpPort !== undefined && { tcp: { port: tcpPort, maxConnections: 20_000 } }),
    },
  };
}
