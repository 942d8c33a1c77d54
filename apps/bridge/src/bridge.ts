import { type Gateway, addGateway } from '@mcp-bridge/edge';
import { createInProcessLink } from '@mcp-bridge/link';
import { addRouting } from '@mcp-bridge/routing';
import { type ConfigSources, type ServiceContext, runService } from '@mcp-bridge/service';
import { announce } from './gateway.js';

/** `mcp-bridge start`. */
export function runBridge(sources: ConfigSources): Promise<number> {
  return runService({ ...sources, role: 'bridge', onReady: announce }, composeBridge);
}

/** Gateway and router in one process: the link between them is a function call. */
async function composeBridge(context: ServiceContext): Promise<Gateway> {
  const routing = addRouting(context);
  const link = createInProcessLink(routing.handler, { log: context.log });
  return await addGateway(context, link);
}
