import type { Keyring } from '@mcp-bridge/identity';
import type { DeadlineWheel, Link } from '@mcp-bridge/link';
import type { Metrics } from '@mcp-bridge/metrics';
import type { GatewayConfig, Logger } from '@mcp-bridge/service';
import { createConversations } from '../channels/conversations.js';
import type { Initialize } from '../sessions/initialize.js';
import { WriterPool } from './socket-writer.js';
import { startTcpServer, type TcpServer } from './tcp-server.js';

export interface TcpOptions {
  readonly config: GatewayConfig;
  readonly callTimeoutMs: () => number;
  readonly link: Link;
  readonly initialize: Initialize;
  readonly keyring: Keyring;
  readonly wheel: DeadlineWheel;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly draining: () => boolean;
}

/** Time from the connection until its client must be let in. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

/**
 * Opens the TCP port of a gateway where one is configured.
 * @throws {BridgeError} INTERNAL when the address is taken; CONFIG_INVALID when the certificate cannot be loaded
 */
export async function startTcp(options: TcpOptions): Promise<TcpServer | undefined> {
  const { config, callTimeoutMs, link, initialize, keyring, wheel, log, metrics, draining } = options;
  const { tcp, maxBufferedBytes, keepAlive: keepAliveMs } = config;
  if (tcp === undefined) return undefined;
  const establishment = metrics.connectionEstablishment.labels({ transport: 'tcp' });
  return await startTcpServer({
    address: tcp.host ?? config.host,
    port: tcp.port,
    tls: tcp.tls ?? config.tls,
    maxConnections: tcp.maxConnections,
    host: {
      conversations: createConversations({
        link,
        initialize,
        wheel,
        log,
        metrics,
        transport: 'tcp',
        callTimeoutMs,
        // A frame of MessagePack may be longer as JSON.
        maxMessageBytes: Math.max(config.maxBodyBytes, tcp.maxFrameBytes),
        maxBufferedBytes,
      }),
      keyring,
      wheel,
      log,
      writers: new WriterPool(),
      maxFrameBytes: tcp.maxFrameBytes,
      maxBufferedBytes,
      keepAliveMs,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      get draining() {
        return draining();
      },
      established: (seconds) => establishment.observe(seconds),
      failed: (reason) => metrics.connectionFailures.labels({ transport: 'tcp', reason }).inc(),
      replaced: ({ code }) => metrics.errors.labels({ component: 'edge', code }).inc(),
    },
  });
}
