import type { Server } from '@grpc/grpc-js';
import type { LinkServerCredential } from './credential.js';
import type { CallHandler } from './link.js';
import type { LinkLog } from './link-log.js';

export interface LinkServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly handler: CallHandler;
  /** Needed beyond loopback. */
  readonly credential?: LinkServerCredential;
  readonly log?: LinkLog;
  /** Adds further services to the same server; they are behind the same credential. */
  readonly extend?: (server: Server) => void;
  /** More calls in flight on one link than this are refused with OVERLOADED; default 20 000. */
  readonly maxInFlightPerLink?: number;
}

export interface LinkServer extends AsyncDisposable {
  readonly port: number;
  /** Tells the gateways, lets calls in flight end, then closes; after `timeoutMs` the rest end with DRAINING. */
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Opens the router's side of the link.
 *
 * @throws {BridgeError} CONFIG_INVALID beyond loopback without a credential
 */
export async function startLinkServer(_options: LinkServerOptions): Promise<LinkServer> {
  throw new Error('not built yet');
}
