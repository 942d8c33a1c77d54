import { type Link, createRouterPool } from '@mcp-bridge/link';
import { gatewayLinkCredential } from '@mcp-bridge/service';
import type { ServiceContext } from '@mcp-bridge/service';
import { type Gateway, startGateway } from './gateway.js';

/** A gateway process: links to the configured routers, and the port where clients come in. */
export async function composeGateway(context: ServiceContext): Promise<Gateway> {
  const { config, log, service } = context;
  const credential = gatewayLinkCredential(config.link);
  const pool = createRouterPool({
    routers: config.gateway.routers,
    log,
    ...(credential === undefined ? {} : { credential }),
  });
  service.add('link', {
    notReady: () => (pool.ready ? undefined : 'no router can be reached'),
    state: () => ({ routers: pool.routers() }),
    drain: (timeoutMs) => pool.drain(timeoutMs),
    close: () => pool[Symbol.asyncDispose](),
  });
  return await addGateway(context, pool);
}

/** Makes the edge a part of a service: it drains before the link that it was given. */
export async function addGateway(context: ServiceContext, link: Link): Promise<Gateway> {
  const { config, log, metrics, service } = context;
  const gateway = await startGateway({ config: config.gateway, auth: config.auth, link, log, metrics });
  service.add('gateway', {
    state: () => ({ url: gateway.url, tcp: gateway.tcpAddress }),
    prepare: (change) => gateway.prepare(change.config),
    drain: (timeoutMs) => gateway.drain(timeoutMs),
    close: () => gateway.close(),
  });
  log.info({ url: gateway.url, tcp: gateway.tcpAddress }, 'waiting for clients');
  return gateway;
}
