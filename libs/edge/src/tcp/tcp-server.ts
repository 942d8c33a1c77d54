import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Principal } from '@mcp-bridge/link';
import { BridgeError } from '@mcp-bridge/protocol';
import { TcpConnection } from './tcp-connection.js';
import type { TcpHost } from './tcp-host.js';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs client certificates; with it every client must have one. */
  readonly caFile?: string | undefined;
}

export interface TcpServerOptions {
  readonly host: TcpHost;
  readonly address: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly maxConnections: number;
}

/** A bound TCP listener. */
export interface TcpServer {
  readonly port: number;
  /**
   * Takes no more connections, tells clients that speak frames, and ends each connection when its requests are
   * answered; cuts what is left after `timeoutMs`.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Ends the connections of these clients now: what let them in is valid no more. */
  revoke(isRevoked: (principal: Principal) => boolean): void;
  /** Cuts every connection. Idempotent. */
  close(): void;
}

/** @throws {BridgeError} INTERNAL when the address is taken; CONFIG_INVALID when the certificate cannot be loaded */
export async function startTcpServer(options: TcpServerOptions): Promise<TcpServer> {
  const { host, address, port, maxConnections } = options;
  const open = new Set<TcpConnection>();
  let onEmpty: (() => void) | undefined;
  const accept = (socket: Socket): void => {
    const connection = new TcpConnection(host, socket, () => {
      open.delete(connection);
      if (open.size === 0) onEmpty?.();
    });
    open.add(connection);
    if (host.draining) connection.leave();
  };
  const server = await createListener(options, accept);
  server.maxConnections = maxConnections;
  server.on('drop', () => host.failed('limit'));
  server.on('tlsClientError', () => host.failed('tls'));
  await listen(server, address, port);
  // Such as EMFILE: it goes on with what is open.
  server.on('error', (error) => host.log.warn({ err: error }, 'The TCP listener failed'));
  const close = (): void => {
    server.close();
    for (const connection of [...open]) connection.destroy();
  };
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    async drain(timeoutMs) {
      const endsAt = performance.now() + timeoutMs;
      server.close();
      for (const connection of [...open]) connection.leave();
      await host.conversations.drain(timeoutMs);
      if (open.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(endsAt - performance.now(), 0));
          onEmpty = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      close();
    },
    revoke: (isRevoked) => host.conversations.revoke(isRevoked),
    close,
  };
}

async function createListener(
  { host, tls }: TcpServerOptions,
  accept: (socket: Socket) => void,
): Promise<Server> {
  // A client's FIN is dealt with by the connection, which may have something left to write.
  if (tls === undefined) return createServer({ allowHalfOpen: true }, accept);
  try {
    const [cert, key, ca] = await Promise.all([
      readFile(tls.certFile),
      readFile(tls.keyFile),
      tls.caFile === undefined ? undefined : readFile(tls.caFile),
    ]);
    const { handshakeTimeoutMs: handshakeTimeout } = host;
    const client = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
    return createTlsServer(
      { cert, key, ...client, handshakeTimeout, allowHalfOpen: true, minVersion: 'TLSv1.2' },
      accept,
    );
  } catch (cause) {
    throw new BridgeError('CONFIG_INVALID', 'gateway.tcp.tls: the certificate or key cannot be loaded', {
      cause,
    });
  }
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const where = `${address}:${port}`;
      const why = `gateway.tcp: ${where} cannot be bound; is it in use, or not an address of this host?`;
      reject(new BridgeError('INTERNAL', why, { cause }));
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
