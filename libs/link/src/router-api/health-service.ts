import { status } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
} from '../gen/grpc/health/v1/health.js';

/** How soon a watcher hears of a change that nobody announces. */
const LOOK_MS = 250;

type Watcher = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

export interface HealthOptions {
  /** Full names of the services that share the state; the empty name, the whole server, is always one. */
  readonly services: readonly string[];
  /** Asked at each check, and four times a second while somebody watches. */
  readonly isServing: () => boolean;
}

/** The service `grpc.health.v1.Health`. */
export interface HealthService {
  readonly service: HealthServer;
  /** Tells watchers NOT_SERVING and lets them go, so that no one of them holds the server; later ones likewise. */
  drain(): void;
}

/** Answers with what the process knows of itself: SERVING while it is ready, NOT_SERVING otherwise. */
export function createHealthService({ services, isServing }: HealthOptions): HealthService {
  const known = new Set(['', ...services]);
  const told = new Map<Watcher, ServingStatus | undefined>();
  let draining = false;
  let timer: NodeJS.Timeout | undefined;

  const stateOf = (service: string): ServingStatus => {
    if (!known.has(service)) return ServingStatus.SERVICE_UNKNOWN;
    return !draining && isServing() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };
  const tell = (watcher: Watcher): void => {
    const now = stateOf(watcher.request.service);
    if (told.get(watcher) === now) return;
    told.set(watcher, now);
    watcher.write({ status: now });
  };
  const forget = (watcher: Watcher): void => {
    told.delete(watcher);
    if (told.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const letGo = (watcher: Watcher): void => {
    forget(watcher);
    watcher.emit('error', { code: status.UNAVAILABLE, details: 'The router drains; use another' });
  };
  const lookAround = (): void => {
    for (const watcher of told.keys()) tell(watcher);
  };

  return {
    service: {
      check({ request }, reply) {
        if (known.has(request.service)) reply(null, { status: stateOf(request.service) });
        else reply({ code: status.NOT_FOUND, details: 'No such service here' });
      },
      watch(watcher) {
        watcher.on('cancelled', () => forget(watcher));
        told.set(watcher, undefined);
        tell(watcher);
        if (draining) letGo(watcher);
        else timer ??= setInterval(lookAround, LOOK_MS).unref();
      },
    },
    drain() {
      draining = true;
      lookAround();
      for (const watcher of [...told.keys()]) letGo(watcher);
    },
  };
}
