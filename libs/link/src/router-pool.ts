import type { LinkCredential } from './credential.js';
import type { DeadlineWheel } from './deadline-wheel.js';
import type { Link } from './link.js';
import type { LinkLog } from './link-log.js';

export interface RouterPoolOptions {
  /** Addresses `host:port`. Their spelling is the identity that session homes are computed from. */
  readonly routers: readonly string[];
  readonly credential?: LinkCredential;
  /** How long a call may wait while no router is up; default 5 000. */
  readonly connectWaitMs?: number;
  /** More waiting calls than this are refused with UPSTREAM_UNAVAILABLE; default 10 000. */
  readonly maxWaiting?: number;
  readonly deadlines?: DeadlineWheel;
  readonly log?: LinkLog;
}

export interface RouterState {
  readonly address: string;
  readonly state: 'connecting' | 'ready' | 'draining' | 'waiting' | 'closed';
  readonly inFlight: number;
}

export interface RouterPool extends Link {
  /** One entry per router, for metrics and `/readyz`. */
  routers(): readonly RouterState[];
}

export function createRouterPool(_options: RouterPoolOptions): RouterPool {
  throw new Error('not built yet');
}

export interface RouterLinkOptions extends Omit<RouterPoolOptions, 'routers'> {
  readonly router: string;
}

/** The link to a single router. */
export function connectRouterLink(options: RouterLinkOptions): RouterPool {
  const { router, ...rest } = options;
  return createRouterPool({ ...rest, routers: [router] });
}
