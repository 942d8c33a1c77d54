import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLiveKeyring } from '@mcp-bridge/identity';
import { createDeadlineWheel, type Link, type Principal } from '@mcp-bridge/link';
import { createRequestMeter, type Metrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import type { AuthConfig, GatewayConfig, Logger } from '@mcp-bridge/service';
import { createHostPolicy } from './admission/host-policy.js';
import { createOriginPolicy } from './admission/origin-policy.js';
import { createConversations } from './channels/conversations.js';
import type { GatewayParts } from './http/gateway-parts.js';
import { createOpenStreams } from './http/open-streams.js';
import { createReplyMeter } from './http/reply-meter.js';
import { startHttpServer } from './http/http-server.js';
import { createSseChannels } from './http/sse/sse-channels.js';
import { createDiscovery } from './sessions/discovery.js';
import { createInitialize } from './sessions/initialize.js';
import { createSessions } from './sessions/sessions.js';
import { startTcp } from './tcp/start-tcp.js';
import { addWebSocketRoutes, type WebSockets } from './websocket/websocket-routes.js';

/** The part of a configuration that a gateway takes over while it runs; of `gateway` only what needs no restart. */
export interface GatewaySections {
  readonly gateway: GatewayConfig;
  readonly auth: AuthConfig;
}

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly auth: AuthConfig;
  readonly link: Link;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A running gateway. */
export interface Gateway {
  /** Of the default view, such as `http://127.0.0.1:8080/mcp`. */
  readonly url: string;
  readonly port: number;
  /** Where MCP over TCP is served, such as `127.0.0.1:8081`; undefined where it is not. */
  readonly tcpAddress: string | undefined;
  /**
   * Checks other keys, limits and origins; what it returns puts them in force. Who came in with a key that is valid no
   * more loses open streams and connections; the replies to its requests in flight still arrive.
   * @throws {BridgeError} CONFIG_INVALID when the keys are ambiguous
   */
  prepare(next: GatewaySections): () => void;
  /**
   * Takes no more connections or requests, ends the streams that would stay open, and waits until the requests
   * that were accepted are answered, at most `timeoutMs`. Then closes.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Closes every connection now. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const NAMES_OF_ALL_ADDRESSES = new Set(['0.0.0.0', '::']);
const MIN_SECRET_BYTES = 32;

/**
 * Serves MCP clients over HTTP, WebSocket and TCP, and hands their calls to the link. The link stays its caller's to
 * close.
 *
 * @throws {BridgeError} CONFIG_INVALID when a key, certificate or session key file is unusable; INTERNAL when an
 * address is taken
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, auth, link, log, metrics } = options;
  const sessionKeys = await loadSessionKeys(config.sessionKeyFile);
  const now = (): number => performance.now();
  const wheel = createDeadlineWheel({ now });
  const meter = createReplyMeter(createRequestMeter(metrics, 'http'), metrics);
  const sessions = createSessions({ keys: sessionKeys });
  const keyring = createLiveKeyring(auth);
  let settings = settingsOf(config);
  const callTimeoutMs = (): number => settings.callTimeoutMs;
  const discovery = createDiscovery({ link, timeoutMs: callTimeoutMs, now });
  const streams = createOpenStreams();
  const initialize = createInitialize({ sessions, discovery });
  const channelOptions = {
    link,
    initialize,
    wheel,
    log,
    metrics,
    callTimeoutMs,
    maxMessageBytes: config.maxBodyBytes,
    maxBufferedBytes: config.maxBufferedBytes,
  };
  const sseConversations = createConversations({ ...channelOptions, transport: 'sse' });
  const sse = createSseChannels(sseConversations);
  let draining = false;
  const parts: GatewayParts = {
    link,
    keyring,
    sessions,
    initialize,
    get hosts() {
      return settings.hosts;
    },
    get origins() {
      return settings.origins;
    },
    replies: {
      wheel,
      keepAliveMs: config.keepAlive,
      maxBufferedBytes: config.maxBufferedBytes,
      ...meter.host,
    },
    streams,
    sse,
    log,
    get callTimeoutMs() {
      return settings.callTimeoutMs;
    },
    keepAliveMs: config.keepAlive,
    maxBodyBytes: config.maxBodyBytes,
    refused: meter.refused,
    received: meter.received,
    get draining() {
      return draining;
    },
  };
  const conversations = createConversations({ ...channelOptions, transport: 'websocket' });
  let webSockets: WebSockets | undefined;
  const server = await startHttpServer({
    parts,
    host: config.host,
    port: config.port,
    tls: config.tls,
    onConnections: meter.connections,
    addRoutes(app) {
      webSockets = addWebSocketRoutes(app, {
        conversations,
        metrics,
        get hosts() {
          return settings.hosts;
        },
        get origins() {
          return settings.origins;
        },
        keyring,
        replies: parts.replies,
        maxMessageBytes: config.maxBodyBytes,
        maxBufferedBytes: config.maxBufferedBytes,
        keepAliveMs: config.keepAlive,
        // uWebSockets.js does not report the end of the HTTP connection then.
        onUpgraded: () => meter.connections(-1),
        get draining() {
          return draining;
        },
      });
    },
  });
  const tcp = await startTcp({
    config,
    callTimeoutMs,
    link,
    initialize,
    keyring,
    wheel,
    log,
    metrics,
    draining: () => draining,
  }).catch((error: unknown) => {
    server.close();
    throw error;
  });
  const scheme = config.tls === undefined ? 'http' : 'https';

  const close = (): Promise<void> => {
    draining = true;
    server.close();
    tcp?.close();
    return Promise.resolve();
  };
  return {
    url: `${scheme}://${authorityOf(config.host, server.port)}/mcp`,
    port: server.port,
    tcpAddress: tcp === undefined ? undefined : authorityOf(config.tcp?.host ?? config.host, tcp.port),
    prepare(next) {
      const changeKeys = keyring.prepare(next.auth);
      const prepared = settingsOf(next.gateway);
      return () => {
        changeKeys();
        settings = prepared;
        const isRevoked = (principal: Principal): boolean => !keyring.isInForce(principal);
        for (const holder of [streams, conversations, sseConversations, tcp]) holder?.revoke(isRevoked);
      };
    },
    async drain(timeoutMs) {
      draining = true;
      server.stopListening();
      streams.endAll();
      await Promise.all([
        meter.whenIdle(timeoutMs),
        sse.drain(timeoutMs),
        webSockets?.drain(timeoutMs),
        tcp?.drain(timeoutMs),
      ]);
      await close();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What changes while the gateway runs. */
function settingsOf(config: GatewayConfig) {
  return {
    callTimeoutMs: config.callTimeout,
    hosts: createHostPolicy({ boundHost: config.host, allowedHosts: config.allowedHosts }),
    origins: createOriginPolicy({ boundHost: config.host, allowedOrigins: config.allowedOrigins }),
  };
}

/** How clients on this machine reach a bound address. */
function authorityOf(host: string, port: number): string {
  const name = NAMES_OF_ALL_ADDRESSES.has(host) ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** One secret a line, the first seals. Without a file sessions end with the process. */
async function loadSessionKeys(file: string | undefined): Promise<Buffer[]> {
  if (file === undefined) return [randomBytes(MIN_SECRET_BYTES)];
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new BridgeError('CONFIG_INVALID', `gateway.sessionKeyFile cannot be read: ${file}`, { cause });
  }
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'utf8'));
  if (secrets.length === 0 || secrets.some((secret) => secret.length < MIN_SECRET_BYTES)) {
    throw new BridgeError(
      'CONFIG_INVALID',
      `gateway.sessionKeyFile must hold one secret of ${MIN_SECRET_BYTES} characters or more per line: ${file}`,
    );
  }
  return secrets;
}
