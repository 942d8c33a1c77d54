import type { CommandLine } from '@mcp-bridge/testkit';

export interface BridgePorts {
  readonly gateway: number;
  readonly router: number;
  /** MCP over TCP is served where it is set. */
  readonly tcp?: number | undefined;
}

/** The name of the only server, and so the last part of its route. */
export const SERVER_NAME = 'fixture';

/** A `bridge.yaml` (JSON is YAML) with the fixture as its only server, open to anyone on loopback. */
export function bridgeConfig(upstream: CommandLine | { readonly url: string }, ports: BridgePorts): string {
  return JSON.stringify({
    servers: { [SERVER_NAME]: upstream },
    // The suite has no option for a credential.
    auth: { anonymous: {} },
    gateway: {
      host: '127.0.0.1',
      port: ports.gateway,
      routers: [`127.0.0.1:${ports.router}`],
      ...(ports.tcp !== undefined && { tcp: { port: ports.tcp } }),
    },
    router: { host: '127.0.0.1', port: ports.router },
    admin: { port: 0 },
    log: { level: 'info' },
  });
}
