import type { Keyring } from '@mcp-bridge/identity';
import type { Link } from '@mcp-bridge/link';
import type { Logger } from '@mcp-bridge/service';
import type { HostPolicy } from '../admission/host-policy.js';
import type { OriginPolicy } from '../admission/origin-policy.js';
import type { Initialize } from '../sessions/initialize.js';
import type { Sessions } from '../sessions/sessions.js';
import type { OpenStreams } from './open-streams.js';
import type { ReplyHost } from './reply.js';
import type { SseChannels } from './sse/sse-channels.js';

/** What the handlers of one gateway share. */
export interface GatewayParts {
  readonly link: Link;
  readonly keyring: Keyring;
  readonly sessions: Sessions;
  readonly initialize: Initialize;
  readonly hosts: HostPolicy;
  readonly origins: OriginPolicy;
  readonly replies: ReplyHost;
  readonly streams: OpenStreams;
  readonly sse: SseChannels;
  readonly log: Logger;
  readonly callTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly maxBodyBytes: number;
  /** Counts requests refused before they became calls. */
  refused(reason: 'origin' | 'host' | 'auth' | 'draining' | 'malformed'): void;
  /** Counts the bytes of a body. */
  received(bytes: number): void;
  /** No new requests are taken. */
  readonly draining: boolean;
}
