import { type Gateway, addGateway } from '@mcp-bridge/edge';
import { createInProcessLink } from '@mcp-bridge/link';
import { addRouting } from '@mcp-bridge/routing';
import type { ServiceContext } from '@mcp-bridge/service';

/** Gateway and router in one process: the link between them is a function call. */
export async function composeBridge(context: ServiceContext): Promise<Gateway> {
  const routing = addRouting(context);
  const link = createInProcessLink(routing.handler, { log: context.log });
  return await addGateway(context, link);
}
