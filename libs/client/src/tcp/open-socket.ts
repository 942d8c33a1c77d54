import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { BridgeError } from '@mcp-bridge/protocol';

export interface Address {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 8081. */
  readonly port?: number;
  /** `true`, or what `tls.connect` takes: `ca`, `cert`, `key`, `servername`, … */
  readonly tls?: boolean | ConnectionOptions;
}

const PROBE_MS = 60_000;

/** @throws {BridgeError} UPSTREAM_UNAVAILABLE, or the reason of the signal */
export function openSocket(
  { host = '127.0.0.1', port = 8081, tls }: Address,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = tls === true ? {} : tls;
    const socket =
      typeof secure === 'object' ? connectTls({ host, port, ...secure }) : connect({ host, port });
    const onAbort = (): void => {
      socket.destroy();
      reject(BridgeError.from(signal.reason));
    };
    const onError = (cause: Error): void => {
      reject(
        new BridgeError('UPSTREAM_UNAVAILABLE', `Cannot connect to ${host}:${port}: ${cause.message}`, {
          cause,
        }),
      );
    };
    socket.once('error', onError);
    signal.addEventListener('abort', onAbort);
    socket.once(typeof secure === 'object' ? 'secureConnect' : 'connect', () => {
      socket.off('error', onError);
      signal.removeEventListener('abort', onAbort);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, PROBE_MS);
      resolve(socket);
    });
    if (signal.aborted) onAbort();
  });
}
