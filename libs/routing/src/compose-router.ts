import { createRouterApi, startLinkServer } from '@mcp-bridge/link';
import type { LinkServer } from '@mcp-bridge/link';
import { routerLinkCredential } from '@mcp-bridge/service';
import type { ServiceContext } from '@mcp-bridge/service';
import { createRouting } from './create-routing.js';
import type { Routing } from './create-routing.js';

/** Makes the routing half a part of a service: it drains its calls and closes its upstreams with it. */
export function addRouting({ config, log, metrics, service }: ServiceContext): Routing {
  const routing = createRouting({ config, log, metrics });
  service.add('routing', {
    state: () => routing.status(),
    prepare: (change) => () => routing.reconfigure(change),
    drain: (timeoutMs) => routing.drain(timeoutMs),
    close: () => routing.close(),
  });
  return routing;
}

/** A router process: routing, and the port where gateways link to it. */
export async function composeRouter(context: ServiceContext): Promise<LinkServer> {
  const { config, log, service } = context;
  const routing = addRouting(context);
  const credential = routerLinkCredential(config.link);
  const api = createRouterApi({
    handler: routing.handler,
    servers: () => routing.servers(),
    isServing: () => service.notReady().length === 0,
    maxMessageBytes: config.router.maxMessageBytes,
  });
  const server = await startLinkServer({
    host: config.router.host,
    port: config.router.port,
    handler: routing.handler,
    extend: api.addTo,
    routerId: routing.id,
    log,
    ...(credential === undefined ? {} : { credential }),
  });
  service.add('link', {
    drain: (timeoutMs) => {
      // Listeners get a proper end; what else has no limit, the link ends and gateways open again elsewhere.
      routing.endListens();
      api.drain();
      return server.drain(timeoutMs);
    },
    close: async () => server[Symbol.asyncDispose](),
  });
  log.info({ host: config.router.host, port: server.port }, 'waiting for gateways');
  return server;
}
