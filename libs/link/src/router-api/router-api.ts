import type { Server } from '@grpc/grpc-js';
import { HealthService } from '../gen/grpc/health/v1/health.js';
import { RouterServiceService } from '../gen/mcp_bridge/router/v1/router.js';
import type { CallHandler } from '../link.js';
import { createHealthService } from './health-service.js';
import { createReflection } from './reflection.js';
import { rawCallMethod } from './raw-response.js';
import { limitRequests } from './request-limit.js';
import { createRouterService, type ServerState } from './router-service.js';

const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const ROUTER_SERVICE = 'mcp_bridge.router.v1.RouterService';

export interface RouterApiOptions {
  readonly handler: CallHandler;
  /** The servers as `/debug/state` shows them. */
  readonly servers: () => readonly ServerState[];
  /** What `grpc.health.v1` says; always serving unless given. */
  readonly isServing?: () => boolean;
  /** Longest request, and longest response, of `RouterService`; default 4 MiB. */
  readonly maxMessageBytes?: number;
}

/** What internal services find on the router's port. */
export interface RouterApi {
  /** To be given to `startLinkServer` as `extend`. */
  readonly addTo: (server: Server) => void;
  /** Health turns NOT_SERVING, and streams that would never end do; calls in flight go on. */
  drain(): void;
}

/** The router's API for internal services in any language: calls, health, reflection. */
export function createRouterApi(options: RouterApiOptions): RouterApi {
  const { handler, servers, isServing = () => true } = options;
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  const health = createHealthService({ services: [ROUTER_SERVICE], isServing });
  const reflection = createReflection();
  return {
    addTo(server) {
      server.addService(
        limitRequests({ ...RouterServiceService, call: rawCallMethod }, maxMessageBytes),
        createRouterService({ handler, servers, maxMessageBytes }),
      );
      server.addService(HealthService, health.service);
      reflection.addTo(server);
    },
    drain() {
      health.drain();
      reflection.drain();
    },
  };
}
