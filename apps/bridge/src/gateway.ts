import { type Gateway, composeGateway } from '@mcp-bridge/edge';
import { type ConfigSources, runService } from '@mcp-bridge/service';

/** `mcp-bridge gateway`. */
export function runGateway(sources: ConfigSources): Promise<number> {
  return runService({ ...sources, role: 'gateway', onReady: announce }, composeGateway);
}

/** The one line on standard output: scripts wait for it. */
export function announce(gateway: Gateway): void {
  process.stdout.write(`MCP Bridge serves ${gateway.url}\n`);
}
