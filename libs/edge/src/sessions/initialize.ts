import type { Principal } from '@mcp-bridge/link';
import {
  BridgeError,
  type Envelope,
  LATEST_LEGACY_VERSION,
  negotiateLegacyVersion,
  revisionOf,
} from '@mcp-bridge/protocol';
import type { Client } from '../calls/client.js';
import type { Discovery } from './discovery.js';
import type { Sessions } from './sessions.js';

/** The answer to `initialize`. */
export interface Initialized {
  /** Raw JSON of the result. */
  readonly result: Buffer;
  /** What HTTP clients send from now on as `Mcp-Session-Id`. */
  readonly token: string;
  readonly client: Client;
}

export interface InitializeOptions {
  readonly sessions: Sessions;
  readonly discovery: Discovery;
}

/** Answers `initialize` (2025-11-25 basic/lifecycle) from what the router says of the view. */
export type Initialize = (envelope: Envelope, principal: Principal, view: string) => Promise<Initialized>;

/**
 * Makes the function that begins legacy sessions, for any transport. It rejects with INVALID_PARAMS for a
 * malformed request, with METHOD_NOT_FOUND for an unknown view, and with what the router said otherwise.
 */
export function createInitialize({ sessions, discovery }: InitializeOptions): Initialize {
  return async (envelope, principal, view) => {
    const requested = parseInitialize(envelope);
    const revision = revisionOf(negotiateLegacyVersion(requested.protocolVersion));
    if (revision === undefined) throw new BridgeError('INTERNAL', `No revision ${LATEST_LEGACY_VERSION}`);
    const caller = {
      principal,
      view,
      revision,
      capabilities: requested.capabilities,
      clientInfo: requested.clientInfo,
    };
    const { capabilities, serverInfo, instructions } = await discovery.describe({ ...caller, session: '' });
    const { token, client } = sessions.begin(caller);
    const result = { protocolVersion: revision.version, capabilities, serverInfo, instructions };
    return { result: Buffer.from(JSON.stringify(result), 'utf8'), token, client };
  };
}

interface InitializeParams {
  readonly protocolVersion: string;
  readonly capabilities: string;
  readonly clientInfo: string;
}

function parseInitialize(envelope: Envelope): InitializeParams {
  const { params } = envelope;
  if (params.start < 0) throw invalid('params are missing');
  // The scan has validated it as a JSON object.
  const parsed = JSON.parse(envelope.bytes.toString('utf8', params.start, params.end)) as Record<
    string,
    unknown
  >;
  const { protocolVersion, capabilities, clientInfo } = parsed;
  if (typeof protocolVersion !== 'string') throw invalid('protocolVersion must be a string');
  return {
    protocolVersion,
    capabilities: objectText(capabilities, 'capabilities') ?? '{}',
    clientInfo: objectText(clientInfo, 'clientInfo') ?? '',
  };
}

function objectText(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} must be an object`);
  }
  return JSON.stringify(value);
}

function invalid(why: string): BridgeError {
  return new BridgeError('INVALID_PARAMS', `Invalid initialize: ${why}`);
}
