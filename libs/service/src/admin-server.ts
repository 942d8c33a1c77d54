import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Metrics } from '@mcp-bridge/metrics';
import { isLoopback } from './config/checks.js';
import type { AdminConfig } from './config/schema.js';
import type { Logger } from './logging.js';

/** How many ports after the configured one are tried when it is taken. */
const PORTS_TRIED = 20;

/** What the admin server tells about the process. */
export interface AdminSource {
  /** Why the service cannot take traffic; empty when it can. */
  notReady(): readonly string[];
  /** The state of every part, for `/debug/state`; JSON, without secrets. */
  state(): Record<string, unknown>;
}

export interface AdminServerOptions {
  readonly config: AdminConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly source: AdminSource;
}

export interface AdminServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/**
 * Serves `/livez`, `/readyz`, `/metrics` and `/debug/state`. When another service on this host has the port,
 * the next free one is taken and logged.
 *
 * @throws {BridgeError} INTERNAL when no port could be opened
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { config, log } = options;
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, 'admin request failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  server.maxConnections = 256;
  const port = await listen(server, config);
  if (config.port !== 0 && port !== config.port) {
    log.warn({ wanted: config.port, port }, 'the admin port is taken; using the next free one');
  }
  log.info({ url: `http://${hostInUrl(config.host)}:${port}` }, 'admin server listens');
  return {
    host: config.host,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An address as it stands in a URL: IPv6 in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

async function listen(server: Server, config: AdminConfig): Promise<number> {
  const last = config.port === 0 ? 0 : Math.min(config.port + PORTS_TRIED, 65_535);
  for (let port = config.port; port <= last; port += 1) {
    const failure = await listenOn(server, config.host, port);
    if (failure === undefined) {
      // A TCP server that listens has an address with a port.
      return (server.address() as AddressInfo).port;
    }
    if (failure.code !== 'EADDRINUSE') {
      throw new BridgeError('INTERNAL', `admin: cannot listen on ${config.host}:${port} (${failure.code})`, {
        cause: failure,
      });
    }
  }
  throw new BridgeError('INTERNAL', `admin: ports ${config.port} to ${last} are all taken; set admin.port`);
}

function listenOn(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      resolve(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve(undefined);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ host, port, exclusive: true });
  });
}

async function answer(
  { config, metrics, source }: AdminServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'text/plain', 'GET only\n');
    return;
  }
  // A web page can make a browser reach loopback under the page's own host name (DNS rebinding).
  if (isLoopback(config.host) && !isLoopback(hostName(request.headers.host ?? ''))) {
    send(response, 403, 'text/plain', 'forbidden\n');
    return;
  }
  switch ((request.url ?? '').split('?', 1)[0]) {
    case '/livez':
      send(response, 200, 'text/plain', 'ok\n');
      return;
    case '/readyz': {
      const reasons = source.notReady();
      send(response, reasons.length === 0 ? 200 : 503, 'application/json', readiness(reasons));
      return;
    }
    case '/metrics':
      send(response, 200, metrics.contentType, await metrics.expose());
      return;
    case '/debug/state':
      send(response, 200, 'application/json', `${JSON.stringify(source.state(), null, 2)}\n`);
      return;
    default:
      send(response, 404, 'text/plain', 'try /livez, /readyz, /metrics or /debug/state\n');
  }
}

function readiness(reasons: readonly string[]): string {
  return `${JSON.stringify({ ready: reasons.length === 0, reasons })}\n`;
}

function hostName(header: string): string {
  return header.startsWith('[') ? header.slice(0, header.indexOf(']') + 1) : (header.split(':', 1)[0] ?? '');
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
