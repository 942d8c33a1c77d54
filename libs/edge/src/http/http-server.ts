import { BridgeError } from '@mcp-bridge/protocol';
import type { GatewayConfig } from '@mcp-bridge/service';
import uWS, { type TemplatedApp, type us_listen_socket } from 'uWebSockets.js';
import type { GatewayParts } from './gateway-parts.js';
import { handleRequest } from './request-handler.js';

export interface HttpServerOptions {
  readonly parts: GatewayParts;
  readonly host: string;
  readonly port: number;
  readonly tls: GatewayConfig['tls'];
  onConnections(by: number): void;
  /** Adds what else is served on the port, before the routes for plain requests. */
  readonly addRoutes?: (app: TemplatedApp) => void;
}

/** A bound uWebSockets.js app. */
export interface HttpServer {
  readonly port: number;
  /** Connections that are open stay open. */
  stopListening(): void;
  /** Cuts every connection. The app must not outlive the event loop: uWebSockets.js would abort the process. */
  close(): void;
}

/** @throws {BridgeError} INTERNAL when the address is taken; CONFIG_INVALID when the certificate cannot be loaded */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { parts, host, port } = options;
  const app = createApp(options.tls);
  app.filter((_res, by) => options.onConnections(Number(by)));
  options.addRoutes?.(app);
  app.any('/*', (res, req) => handleRequest(parts, res, req));
  const socket = await listen(app, host, port);
  let listening: us_listen_socket | undefined = socket;
  let open = true;
  return {
    port: uWS.us_socket_local_port(socket),
    stopListening() {
      if (listening !== undefined) uWS.us_listen_socket_close(listening);
      listening = undefined;
    },
    close() {
      if (!open) return;
      open = false;
      listening = undefined;
      app.close();
    },
  };
}

function createApp(tls: GatewayConfig['tls']): TemplatedApp {
  if (tls === undefined) return uWS.App();
  try {
    return uWS.SSLApp({
      cert_file_name: tls.certFile,
      key_file_name: tls.keyFile,
      ...(tls.caFile === undefined ? {} : { ca_file_name: tls.caFile }),
    });
  } catch (cause) {
    throw new BridgeError('CONFIG_INVALID', `gateway.tls: the certificate or key cannot be loaded`, {
      cause,
    });
  }
}

/** `LIBUS_LISTEN_EXCLUSIVE_PORT`; the typings have it as an enum without a value. */
const EXCLUSIVE_PORT = 1;

/** The typed overloads lack the one with a host and options, which the binaries have. */
type ListenExclusively = (
  host: string,
  port: number,
  options: number,
  onListen: (socket: us_listen_socket | false) => void,
) => TemplatedApp;

function listen(app: TemplatedApp, host: string, port: number): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    // Without the option two bridges could share a port unnoticed, and the kernel would deal out their clients.
    const listenExclusively = app.listen.bind(app) as unknown as ListenExclusively;
    listenExclusively(host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket !== false) resolve(socket);
      else {
        app.close();
        reject(
          new BridgeError(
            'INTERNAL',
            `gateway: ${host}:${port} cannot be bound; is it in use, or not an address of this host?`,
          ),
        );
      }
    });
  });
}
